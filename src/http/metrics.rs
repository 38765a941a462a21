//! Prometheus metrics. They name no accounts but reveal how busy a studio is, so only loopback, the networks
//! configured by the operator and holders of the metrics token may read them.

use rouille::{Response, ResponseBody};

use crate::app::upkeep::{health, replica};
use crate::config;
use crate::domain::error::Result;
use crate::domain::operator::Operator;
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::kit::prometheus::{MEDIA_TYPE, Page};
use crate::os::room::DISK_RESERVE_BYTES;

/// `GET /metrics`.
pub fn show(call: &Call<'_>, _operator: &Operator) -> Result<Response> {
    let mut page = Page::default();
    page.family("dinkem_build_info", "gauge", "Version of the server.");
    page.sample("dinkem_build_info", &[("version", config::VERSION)], 1.0);
    write_figures(&mut page, &health::figures(call.app)?);
    if let Some(seconds) = replica::lag_seconds(call.app) {
        let help = "Seconds since the replica last had everything that the store had.";
        page.family("dinkem_replica_lag_seconds", "gauge", help);
        page.sample("dinkem_replica_lag_seconds", &[], seconds);
    }
    write_counters(&mut page, call);
    call.measures.write(&mut page);
    Ok(answer::with_body(200, MEDIA_TYPE, ResponseBody::from_string(page.text())))
}

fn write_figures(page: &mut Page, figures: &health::Figures) {
    page.family("dinkem_jobs_waiting", "gauge", "Queued jobs of active accounts, by class and renderer.");
    for load in &figures.loads {
        for (class, jobs) in &load.waiting {
            let labels = [("class", class.as_str()), ("renderer", load.renderer.as_str())];
            page.sample("dinkem_jobs_waiting", &labels, *jobs as f64);
        }
    }
    page.family("dinkem_jobs_rendering", "gauge", "Jobs held by nodes, by renderer.");
    for load in &figures.loads {
        page.sample("dinkem_jobs_rendering", &[("renderer", load.renderer.as_str())], load.rendering as f64);
    }
    page.family("dinkem_oldest_wait_seconds", "gauge", "Age of the first queued job, by class.");
    for waiting in &figures.waiting {
        page.sample("dinkem_oldest_wait_seconds", &[("class", waiting.class.as_str())], waiting.oldest_seconds);
    }
    page.family("dinkem_nodes", "gauge", "Render nodes, by state.");
    for nodes in &figures.nodes {
        page.sample("dinkem_nodes", &[("state", nodes.state.as_str())], nodes.nodes as f64);
    }
    page.family("dinkem_node_slots", "gauge", "Slots of render nodes, by renderer and state of the node.");
    for load in &figures.loads {
        for (state, slots) in &load.slots {
            let labels = [("renderer", load.renderer.as_str()), ("state", state.as_str())];
            page.sample("dinkem_node_slots", &labels, *slots as f64);
        }
    }
    let mut gauge = |name, help, value: u64| {
        page.family(name, "gauge", help);
        page.sample(name, &[], value as f64);
    };
    gauge("dinkem_dinks_sold", "Dinks of all accounts.", figures.dinks_sold);
    if let Some(free) = figures.disk_free {
        gauge("dinkem_disk_free_bytes", "Free space on the data directory's disk.", free);
    }
    gauge("dinkem_disk_reserve_bytes", "Free space below which no new work is accepted.", DISK_RESERVE_BYTES);
    gauge("dinkem_store_bytes", "Size of the store.", figures.store);
    gauge("dinkem_store_log_bytes", "Size of the store's write-ahead log.", figures.log);
}

fn write_counters(page: &mut Page, call: &Call<'_>) {
    let counters = &call.app.counters;
    page.family("dinkem_requests_waiting", "gauge", "Requests that wait for a job to change.");
    page.sample("dinkem_requests_waiting", &[], call.app.waiting_requests() as f64);
    page.family("dinkem_claims_waiting", "gauge", "Claims of nodes that wait for a job.");
    page.sample("dinkem_claims_waiting", &[], call.app.waiting_claims() as f64);
    page.family("dinkem_claims_woken_total", "counter", "Waiting claims that were woken for a job.");
    page.sample("dinkem_claims_woken_total", &[], call.app.woken_claims() as f64);
    page.family("dinkem_jobs_submitted_total", "counter", "Jobs accepted since the server started.");
    page.sample("dinkem_jobs_submitted_total", &[], counters.submitted.get() as f64);
    page.family("dinkem_jobs_total", "counter", "Jobs by outcome since the server started.");
    for (outcome, count) in [("done", &counters.done), ("failed", &counters.failed), ("cancelled", &counters.cancelled)]
    {
        page.sample("dinkem_jobs_total", &[("outcome", outcome)], count.get() as f64);
    }
    page.family("dinkem_webhook_calls_total", "counter", "Calls of webhooks by outcome since the server started.");
    for (outcome, count) in [("accepted", &counters.webhooks_accepted), ("failed", &counters.webhooks_failed)] {
        page.sample("dinkem_webhook_calls_total", &[("outcome", outcome)], count.get() as f64);
    }
}
