//! Beyond one machine: several appliances behind one name, and a warm standby.

mod deploy;
mod leader;
mod sharding;
mod standby;
