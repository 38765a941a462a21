//! Request metrics for `/metrics`: duration by route, responses by status class, and authentication failures.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::app::counters::Counter;
use crate::http::kit::prometheus::Page;

/// Upper bounds of the histogram's buckets in milliseconds, from simple lookups to long-polling claims and large
/// uploads.
const BUCKETS_MS: [u64; 10] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 30_000, 120_000];
/// The route label of requests that match no route.
const NO_ROUTE: &str = "none";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A histogram of request durations.
#[derive(Default)]
struct Times {
    buckets: [Counter; BUCKETS_MS.len()],
    count: Counter,
    microseconds: AtomicU64,
}

pub struct Measures {
    /// Requests with an invalid key. They are only counted, not throttled: 122 random bits cannot be guessed.
    pub refused_keys: Counter,
    /// Method and pattern of every route.
    routes: Vec<(&'static str, &'static str)>,
    /// In the order of `routes`, plus a last entry for requests that match no route.
    times: Vec<Times>,
    answers: [Counter; CLASSES.len()],
}

impl Measures {
    /// Takes the method and pattern of each route.
    pub fn new(routes: Vec<(&'static str, &'static str)>) -> Self {
        let times = (0..=routes.len()).map(|_| Times::default()).collect();
        Self { refused_keys: Counter::default(), routes, times, answers: Default::default() }
    }

    /// Records a completed request.
    pub fn answered(&self, method: &str, pattern: Option<&str>, status: u16, took: Duration) {
        let row = self.routes.iter().position(|(known, of)| *known == method && Some(*of) == pattern);
        if let Some(times) = self.times.get(row.unwrap_or(self.times.len() - 1)) {
            let bucket = BUCKETS_MS.iter().position(|bound| took <= Duration::from_millis(*bound));
            if let Some(bucket) = bucket.and_then(|bucket| times.buckets.get(bucket)) {
                bucket.add_one();
            }
            times.count.add_one();
            times.microseconds.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        }
        if let Some(class) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            class.add_one();
        }
    }

    pub fn write(&self, page: &mut Page) {
        page.family("dinkem_auth_failures_total", "counter", "Requests rejected because of their key.");
        page.sample("dinkem_auth_failures_total", &[], self.refused_keys.get() as f64);
        page.family("dinkem_http_answers_total", "counter", "Responses by status class.");
        for (class, count) in CLASSES.iter().zip(&self.answers) {
            page.sample("dinkem_http_answers_total", &[("status", class)], count.get() as f64);
        }
        let name = "dinkem_http_request_duration_seconds";
        page.family(name, "histogram", "Time from a request's head to the end of its response, by route.");
        let routes = self.routes.iter().copied().chain([("any", NO_ROUTE)]);
        for ((method, route), times) in routes.zip(&self.times) {
            let labels = [("method", method), ("route", route)];
            let mut below = 0;
            for (bound, bucket) in BUCKETS_MS.iter().zip(&times.buckets) {
                below += bucket.get();
                let bound = (*bound as f64 / 1_000.0).to_string();
                page.sample(&format!("{name}_bucket"), &[labels[0], labels[1], ("le", &bound)], below as f64);
            }
            // Concurrent updates must not make the total smaller than the sum of the buckets.
            let count = times.count.get().max(below) as f64;
            page.sample(&format!("{name}_bucket"), &[labels[0], labels[1], ("le", "+Inf")], count);
            let seconds = times.microseconds.load(Ordering::Relaxed) as f64 / 1_000_000.0;
            page.sample(&format!("{name}_sum"), &labels, seconds);
            page.sample(&format!("{name}_count"), &labels, count);
        }
    }
}
