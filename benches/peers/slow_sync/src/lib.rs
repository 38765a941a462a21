//! Overrides the C library's `fsync` and `fdatasync` (`LD_PRELOAD`) and delays each by `SYNC_DELAY_MICROS`, to simulate
//! a slower disk.

use std::ffi::c_int;
use std::sync::LazyLock;

static MICROS: LazyLock<u32> = LazyLock::new(|| {
    let text = std::env::var("SYNC_DELAY_MICROS").unwrap_or_default();
    text.parse().unwrap_or(0)
});

/// # Safety
/// Same as the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(file: c_int) -> c_int {
    // SAFETY: passes integers only.
    unsafe {
        libc::usleep(*MICROS);
        libc::syscall(libc::SYS_fsync, file) as c_int
    }
}

/// # Safety
/// Same as the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(file: c_int) -> c_int {
    // SAFETY: passes integers only.
    unsafe {
        libc::usleep(*MICROS);
        libc::syscall(libc::SYS_fdatasync, file) as c_int
    }
}
