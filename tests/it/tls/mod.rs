//! HTTPS as the product does it: its own authority over years and crashes, clients of several kinds, a studio's files.

mod clients;
mod clock;
mod custom_certificate;
mod own_ca;
mod unwritable_files;
