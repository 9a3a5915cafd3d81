# Der Zustand eines Geräts, für Kunden und Ingenieure

health-device = Gerät
health-system = System
health-uptime = Läuft seit
health-cpu = Prozessor
health-memory = Speicher
health-disk = Laufwerk
health-temperature = Temperatur
health-fan = Lüfter
health-battery = Akku
health-network = Netz
health-failed-units = Ausgefallen
health-clock = Uhr
health-updates = Updates
health-missing = Unbekannt
health-none = nichts
health-well = Hier gibt es keinen Grund zu warnen.
health-with-serial = { $model }, Seriennummer { $serial }
health-with-kernel = { $os }, Linux { $kernel }
health-days = { $count ->
    [one] einem Tag
   *[other] { $count } Tagen
  }
health-minutes = { $count ->
    [1] einer Minute
   *[other] { $count } Minuten
  }
health-hours = { $count ->
    [one] einer Stunde
   *[other] { $count } Stunden
  }
health-cores = { $count ->
    [one] ein Kern, Last { $load }
   *[other] { $count } Kerne, Last { $load }
  }
health-memory-used = { $used } von { $total } belegt
health-disk-free = zu { $percent } % voll, { $free } frei
health-disk-smart-good = { $room }, in Ordnung (SMART)
health-disk-smart-failing = { $room }, fällt aus (SMART)
health-celsius = { $celsius } °C
health-celsius-limit = { $celsius } °C, Grenze { $limit } °C
health-rpm = { $rpm } U/min
health-battery-charging = { $percent } %, lädt
health-battery-discharging = { $percent } %, in Gebrauch
health-battery-full = { $percent } %, voll
health-battery-idle = { $percent } %, nicht in Gebrauch
health-battery-unknown = { $percent } %
health-battery-health = { $battery }, fasst noch { $health } % des Neuzustands
health-battery-cycles = { $count ->
    [one] { $battery }, einmal geladen
   *[other] { $battery }, { $count }-mal geladen
  }
health-clock-synchronised = folgt einem Zeitserver
health-clock-free = folgt keinem Zeitserver
health-clock-offset = { $clock }, geht { $milliseconds } ms falsch
health-updates-count = { $count ->
    [0] keine stehen aus
    [one] eines steht aus
   *[other] { $count } stehen aus
  }
health-updates-uncounted = werden von diesem System nicht gezählt
health-updates-restart = { $updates }; ein Neustart ist nötig
health-state-ok = { $value }
health-state-unknown = { $value } (nicht beurteilt)
health-state-warning = { $value } (bitte ansehen)
health-state-bad = { $value } (schlecht)
health-fault-unreachable = antwortet nicht
health-fault-exposed = wird nicht gefragt: ihr Socket ist nicht geschützt
health-fault-slow = hat zu lange gebraucht
health-fault-too-long = hat zu viel gesagt
health-fault-malformed = hat Unverständliches gesagt
health-fault-silent = hat nichts gesagt
health-source-system = Prozessor und Speicher
health-source-disks = einige Laufwerke
health-source-fans = Lüfter
health-source-host = Modell
health-source-batteries = Akkus
health-source-units = ausgefallene Dienste
health-source-clock = Uhr
health-source-smart = das Urteil der Laufwerke selbst
health-source-updates = Updates
health-warns-disk-full = Das Laufwerk { $mount } ist zu { $percent } % voll: { $free } sind frei.
health-warns-disk-failing = Das Laufwerk mit { $mount } meldet, dass es ausfällt. Sichern Sie, was darauf ist.
health-warns-hot = { $label } ist heiß: { $celsius } °C.
health-warns-hot-limit = { $label } ist heiß: { $celsius } °C bei einer Grenze von { $limit } °C.
health-warns-memory-full = Der Arbeitsspeicher ist zu { $percent } % voll.
health-warns-battery-low = Der Akku { $label } ist schwach: { $percent } %.
health-warns-battery-worn = Der Akku { $label } ist verbraucht: Er fasst noch { $health } % des Neuzustands.
health-warns-unit-failed = { $unit } ist ausgefallen.
health-warns-clock-free = Die Uhr folgt keinem Zeitserver.
health-warns-clock-off = Die Uhr geht { $seconds } Sekunden falsch.
health-warns-restart = Es sind Updates installiert, die einen Neustart brauchen.
health-warns-reading = { $probe }: { $name } { $value }
health-warns-fault = Die Sonde { $probe } { $fault }.
health-part = { $label } { $name }
health-kernel = Kernel
health-room = Frei auf
health-smart = SMART von
health-smart-good = in Ordnung
health-smart-failing = fällt aus
health-battery-state = Zustand des Akkus
health-failed-unit = Ausgefallen:
health-clock-follows = Uhr folgt einem Zeitserver
health-restart-needed = Neustart nötig
health-yes = ja
health-no = nein
health-state-charging = lädt
health-state-discharging = in Gebrauch
health-state-full = voll
health-state-idle = nicht in Gebrauch
health-state-not-known = unbekannt
