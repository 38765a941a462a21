//! HTTPS: the appliance's own CA, several kinds of clients, custom certificates.

mod clients;
mod clock;
mod custom_certificate;
mod own_ca;
mod unwritable_files;
