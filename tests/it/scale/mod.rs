//! Beyond one machine: several appliances behind one name, and a warm standby.

mod deploy;
mod sharding;
mod standby;
