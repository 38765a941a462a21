//! What the presets give to the tools, for every combination of frame rate, size and console overrides. After a change:
//! `UPDATE_GOLDEN=1 cargo test --test it game::golden`, then compare each line with the tools' documentation.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use dinkem_appliance::domain::camera::CameraMode;
use dinkem_appliance::domain::node::RendererKind;
use dinkem_appliance::render::command::{CONTRACT, JobDemo, JobFile, JobPlayer};
use dinkem_appliance::render::game::{Files, GameSetup, System, csdm_config, hlae_argv, hlae_cfgs};

fn setup(kind: RendererKind) -> GameSetup {
    GameSetup {
        game_dir: Some("/games/Counter-Strike Global Offensive".into()),
        hlae: Some("/tools/HLAE 2/HLAE.exe".into()),
        csdm: Some("/tools/CS Demo Manager/cs-demo-manager".into()),
        audio: Some(true),
        ..GameSetup::new(kind)
    }
}

fn job() -> JobFile {
    JobFile {
        contract: CONTRACT,
        job_id: "job".to_owned(),
        attempt: 1,
        demo: JobDemo { path: "/render node/w 1/demo.dem".into(), sha256: None, build: None, last_tick: Some(200_000) },
        player: JobPlayer { steam64: 76_561_197_991_272_318, slot: Some(7) },
        round: 2,
        start_tick: Some(6_400),
        end_tick: Some(6_464),
        fps: 60,
        width: 1920,
        height: 1080,
        spec_show_xray: false,
        cl_draw_only_deathnotices: false,
        camera: CameraMode::default(),
        output: "/render node/w 1/out.mp4".into(),
        workdir: "/render node/w 1".into(),
        deadline_s: 900,
        length_ms: None,
        pov_token: Some("f00d".to_owned()),
        game: None,
    }
}

/// All sixteen combinations.
fn jobs() -> impl Iterator<Item = (String, JobFile)> {
    (0..16).map(|number: u32| {
        let (fps, (width, height)) =
            ([30, 60][number as usize & 1], [(1920, 1080), (2560, 1440)][number as usize >> 1 & 1]);
        let (xray, notices) = (number & 4 != 0, number & 8 != 0);
        let name = format!("fps {fps}, {height}p, xray {}, death notices {}", u8::from(xray), u8::from(notices));
        let job = JobFile { fps, width, height, spec_show_xray: xray, cl_draw_only_deathnotices: notices, ..job() };
        (name, job)
    })
}

fn hlae_page(job: &JobFile) -> String {
    let setup = setup(RendererKind::Hlae);
    let mut page = String::from("HLAE.exe\n");
    for argument in hlae_argv(job, &setup).unwrap() {
        writeln!(page, "  {argument}").unwrap();
    }
    for (name, content) in hlae_cfgs(job, &Files::of(job, &setup).unwrap()).unwrap() {
        writeln!(page, "{name}").unwrap();
        content.lines().for_each(|line| writeln!(page, "  {line}").unwrap());
    }
    page
}

fn csdm_page(job: &JobFile, system: System) -> String {
    let files = Files::of(job, &setup(RendererKind::Csdm)).unwrap();
    format!("{:#}\n", csdm_config(job, &files, system, Path::new("/usr/bin/ffmpeg")).unwrap())
}

/// The first combination in full, and of the others what differs from it.
fn pages(page: impl Fn(&JobFile) -> String) -> String {
    let mut all = String::new();
    let mut first: Option<String> = None;
    for (name, job) in jobs() {
        writeln!(all, "== {name}").unwrap();
        let page = page(&job);
        match &first {
            None => all += &page,
            Some(first) => {
                assert_eq!(first.lines().count(), page.lines().count());
                for (before, after) in first.lines().zip(page.lines()).filter(|(before, after)| before != after) {
                    writeln!(all, "- {before}\n+ {after}").unwrap();
                }
            }
        }
        first.get_or_insert(page);
    }
    all
}

fn check(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, page).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "{name}");
}

#[test]
fn hlae_gets_these_arguments_and_config_files() {
    check("game_hlae.txt", &pages(hlae_page));
}

#[test]
fn cs_demo_manager_gets_this_job_file_to_record_with_hlae() {
    check("game_csdm_hlae.txt", &pages(|job| csdm_page(job, System::Hlae)));
}

#[test]
fn cs_demo_manager_gets_this_job_file_to_record_with_the_game() {
    check("game_csdm_game.txt", &pages(|job| csdm_page(job, System::Game)));
}

#[test]
fn special_cases_change_only_their_lines() {
    let lines = |job: JobFile| hlae_page(&job).lines().map(str::to_owned).collect::<Vec<_>>();
    let new_in = |job: JobFile| {
        let before = lines(self::job());
        lines(job)
            .into_iter()
            .filter(|line| !before.contains(line))
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(new_in(JobFile { attempt: 2, ..job() }), ["cl_demo_predict 0"]);
    let early = JobFile { start_tick: Some(10), ..job() };
    assert_eq!(
        new_in(early.clone()),
        ["mirv_cmd addAtTick 96 \"exec dinkem_view\"", "mirv_cmd addAtTick 96 \"mirv_streams record start\""]
    );
    assert!(!hlae_page(&early).contains("demo_gototick"), "there is nothing to skip");
    let last = JobFile { demo: JobDemo { last_tick: Some(6_580), ..job().demo }, ..job() };
    assert_eq!(
        new_in(last),
        ["mirv_cmd addAtTick 6452 \"mirv_streams record end\"", "mirv_cmd addAtTick 6516 \"quit\""]
    );
}

#[test]
fn values_that_a_format_cannot_hold_are_refused() {
    let files = |job: &JobFile| Files::of(job, &setup(RendererKind::Csdm)).unwrap();
    let config = |job: &JobFile| csdm_config(job, &files(job), System::Hlae, Path::new("/usr/bin/ffmpeg"));
    for path in
        ["/w/#1/demo.dem", "/w/a/*.dem", "/w;quit/demo.dem", "/w//demo.dem", "/w\"/demo.dem", "/w/ü.dem", "demo.dem"]
    {
        let job = JobFile { demo: JobDemo { path: path.into(), ..job().demo }, ..job() };
        let fault = config(&job).unwrap_err();
        assert_eq!(fault.exit, 21, "{path}");
        assert!(fault.sentence.ends_with('.') && fault.sentence.contains(path), "{}", fault.sentence);
    }
    let job = JobFile { workdir: "/w'".into(), ..job() };
    assert_eq!(hlae_cfgs(&job, &files(&job)).unwrap_err().exit, 21);
}
