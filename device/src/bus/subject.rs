//! How a subject of the bus is declared: one interface of the object, with its properties, methods and signals, once for
//! the service, its clients and the description that is shipped.

use zbus::Connection;
use zbus::message::Header;

/// Who makes a call, and over which connection.
#[derive(Clone, Copy)]
pub struct Caller<'m> {
    /// The connection that the call came over.
    pub bus: &'m Connection,
    /// The call's header; the bus vouches for its sender.
    pub header: &'m Header<'m>,
}

/// The type of what a method gives: nothing, one value, or several.
macro_rules! results {
    () => { () };
    ($one:ty) => { $one };
    ($($several:ty),*) => { ($($several),*) };
}

/// Declares an interface: a struct of its properties, a trait of its methods for who serves it, and the object that
/// zbus serves. Comments on properties, methods and signals become the description (`device/dbus`).
macro_rules! subject {
    (
        interface $interface:ident = $name:literal;
        $(#[doc = $properties_doc:tt])*
        properties $properties:ident {
            $($(#[doc = $property_doc:tt])* $property:literal = $field:ident: $type:ty,)*
        }
        $(#[doc = $methods_doc:tt])*
        methods $methods:ident {
            $($(#[doc = $method_doc:tt])* $method:literal =
                $function:ident($($argument:ident: $argument_type:ty),*) $(-> ($($out:literal: $out_type:ty),*))?;)*
        }
        signals {
            $($(#[doc = $signal_doc:tt])* $signal:literal =
                $emit:ident($($signal_argument:ident: $signal_type:ty),*);)*
        }
    ) => {
        $(#[doc = $properties_doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $properties {
            $($(#[doc = $property_doc])* pub $field: $type,)*
        }

        impl $properties {
            /// The interface that has them.
            pub const INTERFACE: &'static str = $name;

            /// Those that are not as they were in `before`. Of properties that stay as they are nobody needs to be told.
            #[allow(dead_code)]
            pub(super) fn changed_since(&self, before: &Self) -> $crate::bus::Changes {
                let mut changes = $crate::bus::Changes::new();
                $(if self.$field != before.$field {
                    changes.insert($property, zbus::Variant::from(self.$field.clone()));
                })*
                changes
            }

            /// Takes in what was read or has changed. What this version does not know is left out, and so is what is of
            /// another type.
            #[allow(dead_code)]
            pub(super) fn update(&mut self, mut values: $crate::bus::Values) {
                $(if let Some(value) = values.remove($property).and_then(|value| value.try_into().ok()) {
                    self.$field = value;
                })*
            }
        }

        $(#[doc = $methods_doc])*
        pub trait $methods: Send + Sync + 'static {
            /// Why something is not done.
            type Error: zbus::DBusError + Send + Sync + 'static;

            /// What can be read now.
            fn properties(&self) -> $properties;

            $($(#[doc = $method_doc])* fn $function(
                &self,
                caller: $crate::bus::Caller<'_>,
                $($argument: $argument_type),*
            ) -> impl Future<Output = Result<$crate::bus::subject::results!($($($out_type),*)?), Self::Error>> + Send;)*
        }

        /// The interface as it is served.
        pub struct $interface<M>(pub M);

        #[zbus::interface(name = $name)]
        impl<M: $methods> $interface<M> {
            $($(#[doc = $method_doc])*
            #[zbus(name = $method $(, out_args($($out),*))?)]
            async fn $function(
                &self,
                #[zbus(connection)] bus: &zbus::Connection,
                #[zbus(header)] header: zbus::message::Header<'_>,
                $($argument: $argument_type),*
            ) -> Result<$crate::bus::subject::results!($($($out_type),*)?), M::Error> {
                self.0.$function($crate::bus::Caller { bus, header: &header }, $($argument),*).await
            })*

            $($(#[doc = $signal_doc])*
            #[zbus(signal, name = $signal)]
            pub async fn $emit(
                emitter: &zbus::object_server::SignalEmitter<'_>,
                $($signal_argument: $signal_type),*
            ) -> zbus::Result<()>;)*

            $($(#[doc = $property_doc])*
            #[zbus(property, name = $property)]
            async fn $field(&self) -> $type {
                self.0.properties().$field
            })*
        }
    };
}

pub(super) use {results, subject};
