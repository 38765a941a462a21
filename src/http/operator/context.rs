//! What a page gets: the appliance, who looks, and the request's parameters; and what it returns.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use maud::{Markup, html};
use uuid::Uuid;

use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::operator::{Operator, OperatorKey};
use crate::http::kit::call::Call;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Hours by which a browser's time may differ from UTC.
const OFFSET_HOURS: i32 = 26;

/// The pages of the navigation, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Jobs,
    Nodes,
    Accounts,
    Usage,
    Clips,
    Storage,
    Health,
    Audit,
}

impl Tab {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Overview,
        Self::Jobs,
        Self::Nodes,
        Self::Accounts,
        Self::Usage,
        Self::Clips,
        Self::Storage,
        Self::Health,
        Self::Audit,
    ];

    /// The name in the navigation, and the page's heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Jobs => "Jobs",
            Self::Nodes => "Nodes",
            Self::Accounts => "Accounts",
            Self::Usage => "Usage",
            Self::Clips => "Clips and demos",
            Self::Storage => "Storage",
            Self::Health => "Health",
            Self::Audit => "Audit",
        }
    }

    /// The page's address.
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "/operator/",
            Self::Jobs => "/operator/jobs",
            Self::Nodes => "/operator/nodes",
            Self::Accounts => "/operator/accounts",
            Self::Usage => "/operator/usage",
            Self::Clips => "/operator/clips",
            Self::Storage => "/operator/storage",
            Self::Health => "/operator/health",
            Self::Audit => "/operator/audit",
        }
    }
}

/// A page's content.
pub struct View {
    /// Where it is in the navigation.
    pub tab: Tab,
    /// The heading, and the beginning of the window's title.
    pub heading: String,
    /// What follows the heading: parts in a grid of twelve columns.
    pub body: Markup,
}

/// What a page may use.
pub struct Context<'a> {
    /// The request.
    pub call: &'a Call<'a>,
    /// The appliance.
    pub app: &'a App,
    /// Who is signed in.
    pub key: &'a OperatorKey,
    /// Unix time in milliseconds.
    pub now_ms: i64,
    zone: TimeZone,
}

impl<'a> Context<'a> {
    /// Of a request by this operator. The browser sends its offset from UTC in minutes as `Time-Offset`.
    pub fn new(call: &'a Call<'a>, key: &'a OperatorKey) -> Self {
        let minutes = call.request.header("Time-Offset").and_then(|text| text.parse::<i32>().ok());
        let minutes = minutes.filter(|minutes| minutes.abs() < OFFSET_HOURS * 60).unwrap_or_default();
        let zone = Offset::from_seconds(minutes * 60).map_or(TimeZone::UTC, TimeZone::fixed);
        Self { call, app: call.app, key, now_ms: call.app.clock.now_ms(), zone }
    }

    /// The acting operator, for changes.
    pub fn operator(&self) -> &Operator {
        &self.key.operator
    }

    /// A query parameter; an empty one counts as absent.
    pub fn query(&self, name: &str) -> Option<String> {
        self.call.query(name)
    }

    /// The id in the page's address, `/operator/jobs/{id}`.
    pub fn id(&self) -> Result<Uuid> {
        let text = self.call.parameters.get(1).copied().unwrap_or_default();
        Uuid::try_parse(text).map_err(|_| Error::not_found("There is nothing at this address."))
    }

    /// The page's address again, with a parameter set or (`None`) left out, and back on the first page of a list.
    pub fn with_query(&self, tab: Tab, name: &str, value: Option<&str>) -> String {
        let url = self.call.request.raw_url();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (known, old) in url::form_urlencoded::parse(query.as_bytes()) {
            if known != name && known != "after" && !old.is_empty() {
                pairs.append_pair(&known, &old);
            }
        }
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
        match pairs.finish() {
            query if query.is_empty() => tab.path().to_owned(),
            query => format!("{}?{query}", tab.path()),
        }
    }

    /// `3 min ago`, with the exact time as its title.
    pub fn when(&self, at_ms: i64) -> Markup {
        html! { time datetime=(rfc3339(at_ms)) title=(self.exact(at_ms)) { (human::when(self.now_ms, at_ms)) } }
    }

    /// The same, or a dash.
    pub fn when_any(&self, at_ms: Option<i64>) -> Markup {
        match at_ms {
            Some(at_ms) => self.when(at_ms),
            None => html! { "–" },
        }
    }

    /// `16:51:37` today, `28 Nov, 16:51` before, in the browser's time.
    pub fn clock(&self, at_ms: i64) -> Markup {
        let is_today = self.formatted(at_ms, "%F") == self.formatted(self.now_ms, "%F");
        let text = self.formatted(at_ms, if is_today { "%H:%M:%S" } else { "%-d %b, %H:%M" });
        html! { time datetime=(rfc3339(at_ms)) title=(self.exact(at_ms)) { (text) } }
    }

    /// `28 Nov 2026, 16:51:37`, in the browser's time.
    pub fn exact(&self, at_ms: i64) -> String {
        self.formatted(at_ms, "%-d %b %Y, %H:%M:%S")
    }

    /// The beginning of a day in the browser's zone. Unix time in milliseconds.
    pub fn midnight(&self, day: Date) -> Option<i64> {
        day.to_zoned(self.zone.clone()).ok().map(|at| at.timestamp().as_millisecond())
    }

    /// A time in the browser's zone, in `strftime`'s format.
    pub fn formatted(&self, at_ms: i64, format: &str) -> String {
        Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(self.zone.clone()).strftime(format).to_string()
    }
}
