//! Names and messages as a studio's store has them, among them some that try to break a page.

/// Accounts that submit the most.
pub const LARGE_ACCOUNTS: [&str; 4] = ["Nordclip", "Halma Media", "5v5 League", "Clipfabrik"];
/// Names that are hard to show: markup, other scripts, right to left, 64 characters.
pub const HARD_ACCOUNTS: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "Студия Восток",
    "Żółw i Spółka, Gdańsk",
    "استوديو الشرق",
    "O'Brien & Sons \"Clips\"",
    "A Studio With a Name of Sixty-Four Characters, Not One Fewer OK?",
];
/// An account that was never activated, and one that was deactivated.
pub const INACTIVE_ACCOUNT: &str = "Studio Ragnar";
pub const DEACTIVATED_ACCOUNT: &str = "Molotov Media";
/// Further accounts.
pub const SMALL_ACCOUNTS: [&str; 21] = [
    "Studio Ost",
    "Fragments TV",
    "Kite Esports",
    "Lantern Works",
    "Pixelwerk",
    "Overpass Cut",
    "Harbour Films",
    "Eco Round",
    "Second Half",
    "Blue Smoke",
    "Mirage Mile",
    "The Caster Desk",
    "Rush Hour",
    "Tarn & Kettle",
    "Saltlick Gaming",
    "Quiet Angle",
    "Flashpoint Nine",
    "Northgate",
    "Cinder Lab",
    "Half-Buy Studio",
    "Long A",
];

/// Nodes with names that are hard to show.
pub const HARD_NODES: [&str; 3] = [
    "<b onmouseover=alert(1)>render</b>",
    "рендер-01",
    "render-node-in-the-second-rack-of-the-basement-by-the-window-064",
];

/// Players.
pub const PLAYERS: [&str; 20] = [
    "saltlick",
    "żółw",
    "Lücke",
    "jQuery",
    "tarn",
    "Мария К",
    "kettle",
    "n1ghtbus",
    "Ødegård",
    "pixel pilot",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "狙撃手",
    "الصقر",
    "' OR 1=1 --",
    "smoke&mirrors",
    "ropewalk",
    "half_buy",
    "{{7*7}}",
    "   spaces   ",
];

/// Maps; the last is no map's name.
pub const MAPS: [&str; 7] = [
    "de_harbour",
    "de_mirage",
    "de_nuke",
    "de_inferno",
    "de_dust2",
    "workshop/3070284539/de_train_night",
    "de_<i>x</i>",
];

/// Hosts of demos that were not uploaded.
pub const DEMO_HOSTS: [&str; 3] = ["cdn.league.example", "demos.matchbox.example", "replays.cup.example"];

/// What clients attach to their jobs, as JSON.
pub const METADATA: [&str; 5] = [
    r#"{"match":"semi-final","channel":"main"}"#,
    r#"{"user":4711,"tags":["ace","clutch"]}"#,
    r#"{"note":"<img src=x onerror=alert(1)>"}"#,
    r#"{"</script><script>alert(1)</script>":true}"#,
    r#""Zażółć gęślą jaźń""#,
];

/// A kind of failure.
pub struct Failure {
    pub code: &'static str,
    pub message: &'static str,
    pub retry: &'static str,
    /// How many of a hundred failures are of this kind.
    pub share: i64,
}

const fn failure(code: &'static str, message: &'static str, retry: &'static str, share: i64) -> Failure {
    Failure { code, message, retry, share }
}

/// Kinds of failures. The fifth is one of a node.
pub const FAILURES: [Failure; 7] = [
    failure("fetch_failed", "The server cdn.league.example answered 403.", "anywhere", 45),
    failure("demo_unsupported", "Deathmatch has no rounds to cut from.", "never", 18),
    failure("player_not_in_demo", "The player does not take part in the round.", "never", 15),
    failure("round_not_in_demo", "The demo has 24 rounds; there is no round 31.", "never", 8),
    failure("render_timeout", "No progress for 120 s.", "elsewhere", 6),
    failure("demo_unreadable", "Not a CS2 demo: the file does not start with the PBDEMS2 header.", "never", 5),
    failure("render_failed", "The renderer said: <b>out of memory</b> & stopped.", "elsewhere", 3),
];

/// The end of a renderer's log.
pub const LOG: &str = "\
dinkem-render 0.1.0
{\"stage\":\"fetching\",\"progress\":1.0}
{\"stage\":\"parsing\",\"progress\":0.4}
warning: player \"<script>alert(1)</script>\" has no team
error: the renderer stopped <unexpectedly> & left no video
";

/// Operating system users.
pub const OPERATORS: [&str; 4] = ["anna", "ben", "root", "<i>carla</i>"];
