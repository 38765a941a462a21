//! The C library's functions that change or sync files, overridden: each makes the system call and records it.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::IS_RECORDING;

/// Refers to each override, so that the linker takes it instead of the C library's.
pub fn link() {
    black_box((
        write as *const c_void,
        pwrite as *const c_void,
        pwrite64 as *const c_void,
        ftruncate as *const c_void,
        ftruncate64 as *const c_void,
    ));
    black_box((fsync as *const c_void, fdatasync as *const c_void, rename as *const c_void, unlink as *const c_void));
}

/// Same as the C library's.
///
/// # Safety
/// `bytes` points to `count` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(file: c_int, bytes: *const c_void, count: usize) -> isize {
    // SAFETY: the caller's promise is the system call's condition.
    let result = unsafe { libc::syscall(libc::SYS_write, file, bytes, count) } as isize;
    if result > 0
        && let Some(path) = path_of(file)
    {
        // SAFETY: passes integers only.
        let end = unsafe { libc::lseek(file, 0, libc::SEEK_CUR) };
        // SAFETY: as many of the caller's bytes were written.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), result as usize) };
        // A pipe has no position, and no path in the directory.
        if end >= result as i64 {
            crate::written(&path, (end - result as i64) as u64, bytes, thread());
        }
    }
    result
}

/// Same as the C library's.
///
/// # Safety
/// `bytes` points to `count` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(file: c_int, bytes: *const c_void, count: usize, at: i64) -> isize {
    // SAFETY: the caller's promise is the system call's condition.
    let result = unsafe { libc::syscall(libc::SYS_pwrite64, file, bytes, count, at) } as isize;
    if result > 0
        && let Some(path) = path_of(file)
    {
        // SAFETY: as many of the caller's bytes were written.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), result as usize) };
        crate::written(&path, at as u64, bytes, thread());
    }
    result
}

/// Same as the C library's.
///
/// # Safety
/// `bytes` points to `count` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(file: c_int, bytes: *const c_void, count: usize, at: i64) -> isize {
    // SAFETY: the caller's promise is the same.
    unsafe { pwrite64(file, bytes, count, at) }
}

/// Same as the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(file: c_int, length: i64) -> c_int {
    // SAFETY: passes integers only.
    let result = unsafe { libc::syscall(libc::SYS_ftruncate, file, length) } as c_int;
    if result == 0
        && let Some(path) = path_of(file)
    {
        crate::truncated(&path, length as u64);
    }
    result
}

/// Same as the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(file: c_int, length: i64) -> c_int {
    ftruncate64(file, length)
}

/// Same as the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    synced(libc::SYS_fsync, file)
}

/// Same as the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    synced(libc::SYS_fdatasync, file)
}

/// Outside a recording a sync does nothing, because what a test writes then need not survive a real power cut: the disk
/// may be busy, and a test that examines hundreds of stores syncs thousands of times.
fn synced(call: libc::c_long, file: c_int) -> c_int {
    if !is_recording() {
        return 0;
    }
    let sync = path_of(file).and_then(|path| crate::sync_began(&path, thread()));
    // SAFETY: passes integers only.
    let result = unsafe { libc::syscall(call, file) } as c_int;
    if let (0, Some(sync)) = (result, sync) {
        crate::sync_ended(sync);
    }
    result
}

/// Same as the C library's.
///
/// # Safety
/// Both arguments are C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller's promise is the system call's condition.
    let result = unsafe { libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) } as c_int;
    if result == 0 && is_recording() {
        // SAFETY: the caller's promise.
        let (from, to) = unsafe { (path(from), path(to)) };
        crate::renamed(from, to);
    }
    result
}

/// Same as the C library's.
///
/// # Safety
/// The argument is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller's promise is the system call's condition.
    let result = unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, name, 0) } as c_int;
    if result == 0 && is_recording() {
        // SAFETY: the caller's promise.
        crate::removed(unsafe { path(name) });
    }
    result
}

/// # Safety
/// The argument is a C string that outlives the result.
unsafe fn path<'a>(text: *const c_char) -> &'a Path {
    // SAFETY: the caller's promise.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes()))
}

fn is_recording() -> bool {
    IS_RECORDING.load(Ordering::SeqCst)
}

/// The path of an open file; `None` if nothing is recorded.
fn path_of(file: c_int) -> Option<PathBuf> {
    if !is_recording() {
        return None;
    }
    fs::read_link(format!("/proc/self/fd/{file}")).ok()
}

fn thread() -> i32 {
    // SAFETY: passes and returns integers only.
    unsafe { libc::gettid() }
}
