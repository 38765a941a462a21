//! Stands before the C library's `fsync` and `fdatasync` (`LD_PRELOAD`) and has each last `SYNC_DELAY_MICROS` longer, as
//! on a disk that is slower than the one of this machine.

use std::ffi::c_int;
use std::sync::LazyLock;

static MICROS: LazyLock<u32> = LazyLock::new(|| {
    let text = std::env::var("SYNC_DELAY_MICROS").unwrap_or_default();
    text.parse().unwrap_or(0)
});

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(file: c_int) -> c_int {
    // SAFETY: plain numbers, no memory of ours.
    unsafe {
        libc::usleep(*MICROS);
        libc::syscall(libc::SYS_fsync, file) as c_int
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(file: c_int) -> c_int {
    // SAFETY: plain numbers, no memory of ours.
    unsafe {
        libc::usleep(*MICROS);
        libc::syscall(libc::SYS_fdatasync, file) as c_int
    }
}
