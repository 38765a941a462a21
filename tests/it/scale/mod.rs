//! Beyond one machine: several appliances behind one name, and a warm standby.

mod deploy;
mod leader;
mod primary;
mod sharding;
mod standby;
