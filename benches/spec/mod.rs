//! The job that everybody submits in measurements of the store: with a URL as long as they are.

use dinkem_appliance::domain::job::{Commands, JobSpec, Renderer, SteamId};

/// That job.
pub fn spec() -> JobSpec {
    JobSpec {
        demo_url: "https://demos.example.com/2026/11/match-730-1234567890.dem.bz2".into(),
        steam64_id: SteamId::new(SteamId::FIRST + 7).expect("a player"),
        round: 5,
        fps: 60,
        resolution: 1080,
        commands: Commands::default(),
        renderer: Renderer::Builtin,
        metadata: None,
    }
}
