//! axum as its documentation recommends: store calls run on blocking threads. With the argument `inline`, accounts are
//! looked up on the event loop: faster while the store's pages are in memory, but a slow disk blocks all connections.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use dinkem_appliance::app::App;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let app = peers::app();
    let account = if peers::is_asked_for("inline") { get(account_inline) } else { get(account) };
    let router = Router::new().route("/api/account", account).route("/api/clips", post(submit)).with_state(app);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    peers::listens_on(listener.local_addr().expect("the port"));
    // Otherwise Nagle's algorithm and delayed ACKs can hold back small responses; our server sets it too.
    let listener = listener.tap_io(|socket| socket.set_nodelay(true).expect("a socket's option"));
    axum::serve(listener, router).await.expect("it serves");
}

async fn account(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let done = tokio::task::spawn_blocking(move || peers::account(&app, &authorization(&headers))).await;
    answer(done.expect("a look-up does not panic"))
}

async fn account_inline(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(peers::account(&app, &authorization(&headers)))
}

async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let done = tokio::task::spawn_blocking(move || peers::submit(&app, &authorization(&headers), &body)).await;
    answer(done.expect("a submission does not panic"))
}

fn authorization(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok()).collect()
}

fn answer((status, text): peers::Answer) -> Response {
    let status = StatusCode::from_u16(status).expect("one of ours");
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}
