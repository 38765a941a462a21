//! An appliance with its dashboard's listener, and an operator who is signed in: as the dashboard's script does, it
//! fetches views and sends changes over HTTP.

use std::net::SocketAddr;

use dinkem_appliance::app::operators;
use dinkem_appliance::http::Running;
use serde_json::{Map, Value, json};

use super::appliance::Appliance;
use super::client::{Answer, Request};

/// A dashboard on a free port. It stops when it is dropped.
pub struct Dashboard {
    pub appliance: Appliance,
    pub address: SocketAddr,
    running: Option<Running>,
    key: String,
}

impl Dashboard {
    /// Of a new appliance, with an operator who may change everything.
    pub fn start() -> Self {
        Self::of(Appliance::start())
    }

    /// Of this appliance.
    pub fn of(appliance: Appliance) -> Self {
        let running = appliance.serve_dashboard();
        let mut dashboard = Self { address: running.address(), appliance, running: Some(running), key: String::new() };
        dashboard.sign_in(false);
        dashboard
    }

    /// From now on everything is asked with a new key, which may only look if `read_only`.
    pub fn sign_in(&mut self, read_only: bool) {
        let body = json!({"code": self.make_code(read_only)}).to_string();
        let answer = self.request(Request::post("/operator/session").json(body)).expect(200);
        self.key = answer.json()["key"].as_str().unwrap().to_owned();
    }

    /// A fresh code, which confirms one change.
    pub fn code(&self) -> String {
        self.make_code(false)
    }

    fn make_code(&self, read_only: bool) -> String {
        let code = operators::make_code(&self.appliance.app, &super::operator(), read_only).unwrap();
        code.reveal().to_owned()
    }

    /// Sends a request to the dashboard's listener, by its name and without a key.
    #[track_caller]
    pub fn request(&self, request: Request) -> Answer {
        request.header("Host", &format!("localhost:{}", self.address.port())).send_anywhere(self.address)
    }

    /// The same with the operator's key.
    #[track_caller]
    pub fn signed_in(&self, request: Request) -> Answer {
        self.request(request.header("Authorization", &format!("Operator {}", self.key)))
    }

    /// A view, by the words behind `/operator/view/`: `jobs?status=failed`.
    #[track_caller]
    pub fn view(&self, page: &str) -> Answer {
        self.signed_in(Request::get(&format!("/operator/view/{page}")))
    }

    /// The HTML of a view that must be there.
    #[track_caller]
    pub fn html(&self, page: &str) -> String {
        self.view(page).expect(200).text().to_owned()
    }

    /// A file to save: `usage.csv?month=2026-11`.
    #[track_caller]
    pub fn file(&self, name: &str) -> Answer {
        self.signed_in(Request::get(&format!("/operator/files/{name}")))
    }

    /// Runs an action with these fields.
    #[track_caller]
    pub fn act(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Map<String, Value> = fields.iter().map(|(name, value)| ((*name).into(), json!(value))).collect();
        let request = Request::post(&format!("/operator/actions/{action}"));
        self.signed_in(request.json(Value::from(fields).to_string()))
    }

    /// Runs an action that must succeed: what the script gets.
    #[track_caller]
    pub fn done(&self, action: &str, fields: &[(&str, &str)]) -> Value {
        self.act(action, fields).expect(200).json()
    }

    /// The same with a fresh code.
    #[track_caller]
    pub fn done_with_code(&self, action: &str, fields: &[(&str, &str)]) -> Value {
        let code = self.code();
        self.done(action, &[fields, &[("code", code.as_str())]].concat())
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.running.take().map(Running::stop);
    }
}
