//! The routes of the dashboard's listener.

use crate::domain::error::Error;
use crate::http::clips;
use crate::http::kit::routing::Handler::{Anyone, SignedIn};
use crate::http::kit::routing::Pool::Large;
use crate::http::kit::routing::{Row, Table};
use crate::http::operator::{changes, files, guard, session, shell, views};

/// The dashboard's routes.
pub static DASHBOARD: Table = Table {
    rows: ROUTES,
    admits: guard::admit,
    unknown: |_| Error::not_found("There is no such page."),
    scheme: "Operator",
    is_quick: |_, _| false,
    is_nodes_upload: |_, _| false,
};

/// The first row that matches counts: pages come last.
const ROUTES: &[Row] = &[
    ("GET", "/", Anyone(shell::to_start), Large),
    ("GET", "/operator", Anyone(shell::to_start), Large),
    ("GET", "/operator/style.css", Anyone(shell::style), Large),
    ("GET", "/operator/app.js", Anyone(shell::script), Large),
    ("GET", "/operator/icon.svg", Anyone(shell::icon), Large),
    ("POST", "/operator/session", Anyone(session::sign_in), Large),
    ("DELETE", "/operator/sessions/mine", SignedIn(session::sign_out), Large),
    ("GET", "/operator/view/{page}", SignedIn(views::show), Large),
    ("GET", "/operator/view/{page}/{id}", SignedIn(views::show), Large),
    ("POST", "/operator/actions/{action}", SignedIn(changes::run), Large),
    ("GET", "/operator/files/{name}", SignedIn(files::show), Large),
    // Whoever has a clip's address may see it, here as on the public listener.
    ("GET", "/clips/{token}.mp4", Anyone(clips::passed_video), Large),
    ("GET", "/clips/{token}.jpg", Anyone(clips::passed_poster), Large),
    ("GET", "/operator/", Anyone(shell::page), Large),
    ("GET", "/operator/{page}", Anyone(shell::page), Large),
    ("GET", "/operator/{page}/{id}", Anyone(shell::page), Large),
];
