//! Man pages and shell completions for the packages.

use std::fs;

use crate::support::cli::Cli;

#[test]
fn manual_writes_man_pages_and_shell_completions() {
    let cli = Cli::new();
    fs::create_dir(cli.home().join("out")).unwrap();
    assert_eq!(cli.run(&["manual", "out"]).status, 0);
    let text = |name: &str| {
        fs::read_to_string(cli.home().join("out").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    for (page, expected) in [
        ("dinkem-appliance.1", "quickstart"),
        ("dinkem-appliance-serve.1", "local\\-nodes"),
        ("dinkem-appliance-admin-keys-rotate.1", "overlap"),
        ("dinkem-appliance.bash", "--plain-http"),
        ("_dinkem-appliance", "#compdef dinkem-appliance"),
        ("dinkem-appliance.fish", "complete -c dinkem-appliance"),
    ] {
        assert!(text(page).contains(expected), "{page}");
    }
    assert!(!text("dinkem-appliance.1").contains("manual"), "the hidden command must not be listed");
    assert_eq!(cli.run(&["manual", "missing"]).status, 1);
}
