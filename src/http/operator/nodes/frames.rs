//! What nodes draw at the moment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use crate::app::leases::frames::Frame;

/// A frame as a picture in the page itself: a request of its own could not carry the key.
pub fn picture(frame: &Frame, about: &str) -> Markup {
    html! { img.frame src=(format!("data:image/jpeg;base64,{}", STANDARD.encode(&frame.jpeg))) alt=(about) width="320" height="180"; }
}
