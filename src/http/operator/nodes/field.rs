//! The nodes as a field of cells, and the last frames of some that render.

use maud::{Markup, html};

use crate::app::jobs::operator;
use crate::app::leases::frames;
use crate::app::nodes::NodeInfo;
use crate::domain::error::Result;
use crate::domain::node::NodeState;
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::jobs::rows;
use crate::http::operator::nodes;
use crate::http::operator::nodes::frames::picture;
use crate::wire::human;

/// Nodes that are drawn as cells. Of more, only those are drawn that joined first.
const CELLS: usize = 400;

/// What a cell looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Rendering,
    Idle,
    Draining,
    Benched,
    Stopped,
    Gone,
}

impl Look {
    const ALL: [Self; 6] = [Self::Rendering, Self::Idle, Self::Draining, Self::Benched, Self::Stopped, Self::Gone];

    fn of(info: &NodeInfo) -> Self {
        match info.state {
            NodeState::Up if info.leases > 0 => Self::Rendering,
            NodeState::Up => Self::Idle,
            NodeState::Draining => Self::Draining,
            NodeState::Benched => Self::Benched,
            NodeState::Stopped => Self::Stopped,
            NodeState::Gone => Self::Gone,
        }
    }

    /// The class of the cell, and of its sign in the key.
    fn class(self) -> &'static str {
        match self {
            Self::Rendering => "b",
            Self::Idle => "idle",
            Self::Draining => "drain",
            Self::Benched => "bench",
            Self::Stopped => "off",
            Self::Gone => "gone",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Rendering => "rendering",
            Self::Idle => "idle",
            Self::Draining => "draining",
            Self::Benched => "benched",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }
}

/// The field, its key, and at most `pictures` last frames.
pub fn field(context: &Context<'_>, all: &[NodeInfo], pictures: usize) -> Result<Markup> {
    let looks: Vec<Look> = all.iter().map(Look::of).collect();
    let count = |look: Look| looks.iter().filter(|one| **one == look).count();
    Ok(html! {
        ol.cells aria-label="Nodes; the arrow keys go from one to the next" {
            @for (at, (info, look)) in all.iter().zip(&looks).take(CELLS).enumerate() { (cell(context, info, *look, at == 0)) }
        }
        p.key {
            @for look in Look::ALL.into_iter().filter(|look| count(*look) > 0) {
                span { i.cell.(look.class()) {} (count(look)) " " (look.word()) }
            }
            @if all.len() > CELLS { a href=(Tab::Nodes.path()) { (all.len() - CELLS) " more" } }
        }
        (last_frames(context, all, pictures)?)
    })
}

fn cell(context: &Context<'_>, info: &NodeInfo, look: Look, is_first: bool) -> Markup {
    let node = &info.node;
    let about = match look {
        Look::Rendering => format!("{}: rendering, {} of {}", node.name, info.leases, node.offer.slots),
        Look::Gone => format!("{}: gone, seen {}", node.name, human::when(context.now_ms, node.seen_at_ms)),
        _ => format!("{}: {}", node.name, look.word()),
    };
    html! {
        li { a.(look.class()) href=(nodes::path(info)) title=(about) tabindex=(if is_first { "0" } else { "-1" }) { span.vh { (about) } } }
    }
}

fn last_frames(context: &Context<'_>, all: &[NodeInfo], most: usize) -> Result<Markup> {
    let frames = frames::latest(context.app, most);
    let mut shown = Vec::new();
    for frame in &frames {
        let info = all.iter().find(|info| info.node.id == frame.node);
        if let (Some(info), Some(any)) = (info, operator::by_row(context.app, frame.job)?) {
            shown.push((frame, info, any));
        }
    }
    if shown.is_empty() {
        return Ok(html! {});
    }
    shown.sort_by(|(_, a, _), (_, b, _)| a.node.name.cmp(&b.node.name));
    Ok(html! {
        div.previews {
            @for (frame, info, any) in shown {
                a.pv href=(format!("{}/{}", Tab::Jobs.path(), any.info.job.public_id)) data-key=(format!("frame-{}", frame.lease)) {
                    (picture(frame, ""))
                    div {
                        p.l { b { (info.node.name) } span.dim { (any.account) } }
                        p.l { span { (rows::clip(context, &any.info.job)?) } }
                        p.small.dim { (rows::progress(context, &any)) }
                    }
                }
            }
        }
    })
}
