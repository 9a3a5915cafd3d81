mod execution;
mod origin;
mod parser;
mod shipped;
