//! What a list of jobs says of each: the player's name and the map, from the index of an uploaded demo. Indexes are
//! large, so what lists need of them is kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::app::App;
use crate::app::demos::index_of_job;
use crate::domain::demo::uploaded_demo;
use crate::domain::error::Result;
use crate::domain::job::Job;
use crate::domain::sha256::Sha256;

/// Demos whose names are kept in memory. Beyond, all are read again.
const TITLES: usize = 1_000;

/// A demo's map, and its players' names by Steam ID.
struct Title {
    map: String,
    players: HashMap<String, String>,
}

/// The names of demos that were asked for.
#[derive(Default)]
pub(in crate::app) struct Titles(Mutex<HashMap<Sha256, Arc<Title>>>);

/// Who a job follows, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTitle {
    /// The player's name.
    pub player: String,
    /// The map, such as `de_nuke`.
    pub map: String,
}

/// What the index of the job's demo says of it; `None` if the demo was not uploaded or is not indexed.
pub fn of_job(app: &App, job: &Job) -> Result<Option<JobTitle>> {
    let Some(sha256) = uploaded_demo(&job.spec.demo_url) else { return Ok(None) };
    let known = app.titles.0.lock().unwrap_or_else(PoisonError::into_inner).get(&sha256).cloned();
    let title = match known {
        Some(title) => title,
        None => {
            let Some(index) = app.store.read(|db| index_of_job(db, job))? else { return Ok(None) };
            let players = index.players.into_iter().map(|player| (player.steam64_id, player.name)).collect();
            let title = Arc::new(Title { map: index.map, players });
            let mut titles = app.titles.0.lock().unwrap_or_else(PoisonError::into_inner);
            if titles.len() >= TITLES {
                titles.clear();
            }
            titles.insert(sha256, Arc::clone(&title));
            title
        }
    };
    let player = title.players.get(&job.spec.steam64_id.to_string());
    Ok(player.map(|player| JobTitle { player: player.clone(), map: title.map.clone() }))
}
