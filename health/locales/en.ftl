# A device's health, for the client and the engineer

health-device = Device
health-system = System
health-uptime = Running for
health-cpu = Processor
health-memory = Memory
health-disk = Disk
health-temperature = Temperature
health-fan = Fan
health-battery = Battery
health-network = Network
health-failed-units = Failed units
health-clock = Clock
health-updates = Updates
health-missing = Not known
health-none = none
health-well = Nothing here is worth a warning.
health-with-serial = { $model }, serial number { $serial }
health-with-kernel = { $os }, Linux { $kernel }
health-days = { $count ->
    [one] one day
   *[other] { $count } days
  }
health-minutes = { $count ->
    [1] one minute
   *[other] { $count } minutes
  }
health-hours = { $count ->
    [one] one hour
   *[other] { $count } hours
  }
health-cores = { $count ->
    [one] one core, load { $load }
   *[other] { $count } cores, load { $load }
  }
health-memory-used = { $used } of { $total } in use
health-disk-free = { $percent } % full, { $free } free
health-disk-smart-good = { $room }, in order (SMART)
health-disk-smart-failing = { $room }, failing (SMART)
health-celsius = { $celsius } °C
health-celsius-limit = { $celsius } °C, limit { $limit } °C
health-rpm = { $rpm } rpm
health-battery-charging = { $percent } %, charging
health-battery-discharging = { $percent } %, in use
health-battery-full = { $percent } %, full
health-battery-idle = { $percent } %, not in use
health-battery-unknown = { $percent } %
health-battery-health = { $battery }, holds { $health } % of what it did when new
health-battery-cycles = { $count ->
    [one] { $battery }, charged once
   *[other] { $battery }, charged { $count } times
  }
health-clock-synchronised = follows a time server
health-clock-free = follows no time server
health-clock-offset = { $clock }, { $milliseconds } ms off
health-updates-count = { $count ->
    [0] none wait
    [one] one waits
   *[other] { $count } wait
  }
health-updates-uncounted = not counted by this system
health-updates-restart = { $updates }; a restart is needed
health-state-ok = { $value }
health-state-unknown = { $value } (not judged)
health-state-warning = { $value } (to be looked at)
health-state-bad = { $value } (bad)
health-fault-unreachable = does not answer
health-fault-exposed = is not asked: its socket is not protected
health-fault-slow = took too long
health-fault-too-long = said too much
health-fault-malformed = said what cannot be understood
health-fault-silent = said nothing
health-source-system = processor and memory
health-source-disks = some disks
health-source-fans = fans
health-source-host = model
health-source-batteries = batteries
health-source-units = failed units
health-source-clock = clock
health-source-smart = the disks' own verdict
health-source-updates = updates
health-warns-disk-full = The disk { $mount } is { $percent } % full: { $free } are free.
health-warns-disk-failing = The disk with { $mount } says that it fails. Save what is on it.
health-warns-hot = { $label } is hot: { $celsius } °C.
health-warns-hot-limit = { $label } is hot: { $celsius } °C, with a limit of { $limit } °C.
health-warns-memory-full = The memory is { $percent } % full.
health-warns-battery-low = The battery { $label } is low: { $percent } %.
health-warns-battery-worn = The battery { $label } is worn: it holds { $health } % of what it did when new.
health-warns-unit-failed = { $unit } has failed.
health-warns-clock-free = The clock follows no time server.
health-warns-clock-off = The clock is wrong by { $seconds } seconds.
health-warns-restart = Updates are installed that need a restart.
health-warns-reading = { $probe }: { $name } { $value }
health-warns-fault = The probe { $probe } { $fault }.
health-part = { $label } { $name }
health-kernel = Kernel
health-room = Free on
health-smart = SMART of
health-smart-good = in order
health-smart-failing = failing
health-battery-state = State of the battery
health-failed-unit = Failed:
health-clock-follows = Clock follows a time server
health-restart-needed = Restart needed
health-yes = yes
health-no = no
health-state-charging = charging
health-state-discharging = in use
health-state-full = full
health-state-idle = not in use
health-state-not-known = not known
