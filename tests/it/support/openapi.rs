//! Checks every response that a test receives against `openapi.json`: its status, headers, content type and schema.

use std::cell::RefCell;
use std::sync::LazyLock;

use boon::{Compiler, Schemas};
use dinkem_appliance::domain::error_code::error_responses;
use serde_json::{Value, json};

use super::client::Answer;

/// The document that the server serves.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../src/http/openapi.json")).unwrap());

/// Statuses that any request can get: `default` in the document.
const ANY_REQUEST: [u16; 10] = [400, 408, 413, 414, 417, 431, 500, 501, 503, 505];

thread_local! {
    /// The schema compiler with the document, and the schemas compiled so far.
    static COMPILED: RefCell<(Compiler, Schemas)> = RefCell::new({
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(NAME, DOCUMENT.clone()).unwrap();
        (compiler, Schemas::new())
    });
}
const NAME: &str = "http://localhost/openapi.json";

/// Panics unless the document allows the response. Unknown paths and methods may only get errors.
#[track_caller]
pub fn check(method: &str, target: &str, answer: &Answer) {
    let path = target.split('?').next().unwrap();
    if let Err(fault) = has_known_code(answer).and_then(|()| conforms(method, path, answer)) {
        panic!("the {} response to {method} {path} is not in openapi.json: {fault}\n{answer:?}", answer.status);
    }
}

/// The error code must be in the table of codes with this status.
fn has_known_code(answer: &Answer) -> Result<(), String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match body["code"].as_str().filter(|_| answer.status >= 400) {
        Some(code)
            if !error_responses().iter().any(|known| (known.code.as_str(), known.status) == (code, answer.status)) =>
        {
            Err(format!("code {code} is not in the table of codes"))
        }
        _ => Ok(()),
    }
}

fn conforms(method: &str, path: &str, answer: &Answer) -> Result<(), String> {
    let Some(operation) = operation(method, path) else {
        let schema = match answer.status {
            status if status < 400 => return Err("it is not a documented operation".into()),
            _ if answer.body.is_empty() => return Ok(()),
            401 => "Unauthorized",
            403 => "NoReservedCapacity",
            _ => "Error",
        };
        return matches(&format!("/components/schemas/{schema}"), &json_of(answer)?);
    };
    let own = answer.status.to_string();
    let is_own = resolve(format!("{operation}/responses/{own}")).is_some();
    let status = if !is_own && ANY_REQUEST.contains(&answer.status) { "default".into() } else { own };
    let (at, response) = resolve(format!("{operation}/responses/{status}")).ok_or("the status is not documented")?;
    for (name, _) in members(response, "headers") {
        let (at, header) = resolve(format!("{at}/headers/{}", escape(name))).unwrap();
        match answer.header(name) {
            Some(value) => {
                matches(&format!("{at}/schema"), &json!(value)).map_err(|fault| format!("{name}: {fault}"))?
            }
            None if header["required"] == true => return Err(format!("the header {name} is missing")),
            None => {}
        }
    }
    let content = members(response, "content").next();
    match (content, answer.header("content-type")) {
        (None, _) if answer.body.is_empty() => Ok(()),
        (None, _) => Err("it has a body".into()),
        (Some((media, _)), Some(found)) if media != found => Err(format!("its type is {found}, not {media}")),
        (Some((media, _)), Some(_)) if media == "application/json" => {
            matches(&format!("{at}/content/{}/schema", escape(media)), &json_of(answer)?)
        }
        (Some(_), found) => found.map(|_| ()).ok_or_else(|| "it has no content type".into()),
    }
}

/// JSON pointer of the operation that matches the path.
fn operation(method: &str, path: &str) -> Option<String> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let template = paths.keys().find(|template| fits(template, path))?;
    let method = method.to_ascii_lowercase();
    paths[template].get(&method)?;
    Some(format!("/paths/{}/{method}", escape(template)))
}

fn fits(template: &str, path: &str) -> bool {
    template.split('/').count() == path.split('/').count()
        && template.split('/').zip(path.split('/')).all(|(expected, segment)| match expected.split_once('}') {
            Some((_, ending)) => segment.len() > ending.len() && segment.ends_with(ending),
            None => expected == segment,
        })
}

/// The value at a pointer, with `$ref` resolved, and its own pointer.
fn resolve(at: String) -> Option<(String, &'static Value)> {
    let value = DOCUMENT.pointer(&at)?;
    match value["$ref"].as_str() {
        Some(reference) => resolve(reference.trim_start_matches('#').to_owned()),
        None => Some((at, value)),
    }
}

fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value[name].as_object().into_iter().flatten()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn json_of(answer: &Answer) -> Result<Value, String> {
    serde_json::from_slice(&answer.body).map_err(|error| format!("its body is not JSON: {error}"))
}

fn matches(schema: &str, value: &Value) -> Result<(), String> {
    COMPILED.with_borrow_mut(|(compiler, schemas)| {
        let index = compiler.compile(&format!("{NAME}#{schema}"), schemas).unwrap_or_else(|error| panic!("{error:#}"));
        schemas.validate(value, index).map_err(|error| format!("{error:#}"))
    })
}
