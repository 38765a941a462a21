//! A preset of the product with shorter limits: `JOB.JSON NAME=MILLISECONDS...`, and `free=BYTES`. Or, with `problems`, what
//! keeps this machine from recording.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dinkem_appliance::os::clock::SystemClock;
use dinkem_appliance::render::command::JobFile;
use dinkem_appliance::render::game::{Patience, problems, run_with};

pub fn run(args: &[String]) -> u8 {
    let (job, limits) = args.split_first().unwrap();
    let job: JobFile = serde_json::from_str(&fs::read_to_string(Path::new(job)).unwrap()).unwrap();
    if limits == ["problems"] {
        let found = problems(job.game.as_ref().unwrap(), &job.workdir);
        found.iter().for_each(|problem| println!("{problem}"));
        return 0;
    }
    let mut patience = Patience::default();
    for limit in limits {
        let (name, value) = limit.split_once('=').unwrap();
        let value: u64 = value.parse().unwrap();
        let time = Duration::from_millis(value);
        match name {
            "analyze" => patience.analyze = time,
            "start" => patience.start = time,
            "fast_crash" => patience.fast_crash = time,
            "seek" => patience.seek = time,
            "stall" => patience.stall = time,
            "quit" => patience.quit = time,
            "silence" => patience.silence = time,
            "free" => patience.free_bytes = value,
            other => panic!("no limit is called {other:?}"),
        }
    }
    let setup = job.game.as_ref().unwrap();
    run_with(&job, setup, patience, &SystemClock::new(), &mut std::io::stdout().lock())
}
