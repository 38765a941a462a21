//! rouille as published, on the tiny_http it is published with.

use rouille::{Request, Response, Server};
use std::io::Read;

use dinkem_appliance::http::kit::options::HTTP_THREADS;

fn main() {
    let app = peers::app();
    let handler = move |request: &Request| {
        let authorization: Vec<&str> = request
            .headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case("Authorization"))
            .map(|(_, key)| key)
            .collect();
        let (status, text) = match (request.method(), request.raw_url()) {
            ("GET", "/api/account") => peers::account(&app, &authorization),
            ("POST", "/api/clips") => {
                let mut body = Vec::new();
                match request.data().map(|mut data| data.read_to_end(&mut body)) {
                    Some(Ok(_)) => peers::submit(&app, &authorization, &body),
                    _ => (500, String::new()),
                }
            }
            _ => (404, String::new()),
        };
        Response::from_data("application/json", text).with_status_code(status)
    };
    // Same number of threads as the appliance.
    let server = Server::new("127.0.0.1:0", handler).expect("a free port").pool_size(HTTP_THREADS);
    peers::listens_on(server.server_addr());
    server.run();
}
