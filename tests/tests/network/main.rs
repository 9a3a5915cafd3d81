//! The network's verdict: a real NetworkManager behind a real cable, a real relay, the real programs.
//! What needs namespaces needs root, and says so when it is skipped; Wi-Fi comes from dbusmock.

mod changes;
mod check;
mod fronts;
mod second;
mod shown;
mod wifi;
