//! `serve` under systemd: the test implements the notify socket.

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use crate::support::cli::Cli;
use crate::support::wait::TIMEOUT;

#[test]
fn systemd_is_notified_of_ready_watchdog_and_stopping() {
    let cli = Cli::new();
    let socket = cli.home().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(TIMEOUT)).unwrap();
    let receive = || {
        let mut bytes = [0; 64];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    let port_file = cli.home().join("port");
    let port_file = port_file.to_str().unwrap();
    let environment = [("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")];
    let line = ["serve", "--listen", "127.0.0.1:0", "--port-file", port_file];
    let mut server = cli.command(&environment, &line).stderr(Stdio::null()).spawn().unwrap();

    assert_eq!(receive(), "READY=1");
    let address = std::fs::read_to_string(port_file).unwrap();
    std::net::TcpStream::connect(address.trim()).unwrap();
    for _ in 0..2 {
        assert_eq!(receive(), "WATCHDOG=1");
    }
    assert!(Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    // A watchdog message may still be in flight.
    while receive() != "STOPPING=1" {}
    assert!(server.wait().unwrap().success());
}
