//! A job like any other.

use dinkem_appliance::domain::job::{Commands, JobSpec, Renderer, SteamId};

/// The job that tests submit.
pub fn spec() -> JobSpec {
    JobSpec {
        demo_url: "https://example.com/match.dem".into(),
        steam64_id: SteamId::new(SteamId::FIRST + 7).unwrap(),
        round: 2,
        fps: 30,
        resolution: 1080,
        commands: Commands::default(),
        renderer: Renderer::Builtin,
        metadata: None,
    }
}
