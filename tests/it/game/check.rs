//! What a machine lacks for recording, as `node check` says it.

use std::fs;

use dinkem_appliance::domain::node::RendererKind;

use super::rig::Rig;

fn problems(rig: &Rig) -> Vec<String> {
    let ended = rig.run_with(&rig.job(), &["problems"]);
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    ended.lines.into_iter().map(|line| line.to_string()).collect()
}

#[test]
fn complete_machine_has_no_problems() {
    for kind in [RendererKind::Hlae, RendererKind::Csdm] {
        assert_eq!(problems(&Rig::new(kind)), [""; 0], "{kind:?}");
    }
}

#[test]
fn each_missing_part_is_named_with_its_fix() {
    type Break = fn(&mut Rig);
    let cases: [(RendererKind, Break, &str); 9] = [
        (RendererKind::Hlae, |rig| rig.setup.game_dir = None, "The game's directory is not set."),
        (RendererKind::Hlae, |rig| fs::remove_file(rig.setup.game_program().unwrap()).unwrap(), "The game is not inst"),
        (RendererKind::Hlae, |rig| fs::remove_file(rig.at("hlae/HLAE.exe")).unwrap(), "HLAE is incomplete: "),
        (RendererKind::Hlae, |rig| fs::remove_file(rig.at("hlae/ffmpeg/ffmpeg.ini")).unwrap(), "HLAE has no ffmpeg."),
        (RendererKind::Hlae, |rig| rig.setup.ffmpeg = "/none/ffmpeg".to_owned(), "ffmpeg is not installed."),
        (RendererKind::Csdm, |rig| rig.order("version 3.9.0"), "CS Demo Manager 3.9.0 is too old."),
        (RendererKind::Csdm, |rig| rig.order("version x"), "CS Demo Manager does not say its version"),
        (RendererKind::Csdm, |rig| fs::remove_dir_all(rig.at("home")).unwrap(), "CS Demo Manager has no settings yet."),
        (RendererKind::Csdm, |rig| fs::remove_file(rig.csgo("gameinfo.gi")).unwrap(), "CS Demo Manager must write to "),
    ];
    for (kind, break_it, start) in cases {
        let mut rig = Rig::new(kind);
        break_it(&mut rig);
        let found = problems(&rig);
        assert!(found.len() == 1 && found[0].starts_with(start), "{start}: {found:?}");
        assert!(found[0].ends_with('.'), "{found:?}");
    }
}
