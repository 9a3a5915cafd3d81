# Was ein Kunde von einem Termin liest (fieldlink-connect invite). Einfache Worte.

subject = Fernwartung Ihres Scanners
subject-with-ticket = Fernwartung Ihres Scanners, Vorgang { $ticket }
cancelled-subject = Abgesagt: Fernwartung Ihres Scanners
cancelled-subject-with-ticket = Abgesagt: Fernwartung Ihres Scanners, Vorgang { $ticket }

when = Wann: { $what }
when-for-engineer = Beim Techniker: { $what }
length = Wie lange: Geplant sind { $minutes } Minuten. Höchstens zwei Stunden, und nur wenn Sie zustimmen.
partner = Vermittelt von: { $what }
phone = Falls etwas dazwischenkommt, rufen Sie an: { $what }

span = { $weekday ->
    [1] Montag
    [2] Dienstag
    [3] Mittwoch
    [4] Donnerstag
    [5] Freitag
    [6] Samstag
   *[other] Sonntag
  }, { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[other] Dezember
  } { $year }, { $start } bis { $end } Uhr ({ $zone })

prepare = Bitte bereiten Sie vor:
prepare-person = Jemand ist die ganze Zeit mit einem Telefon beim Scanner und darf darüber entscheiden.
prepare-battery = Der Scanner ist eingeschaltet und am Strom, oder seine Akkus sind geladen und weitere liegen bereit.
prepare-network = Der Scanner hat eine Internetverbindung: Kabel, WLAN oder den Hotspot eines Telefons.
prepare-start = Öffnen Sie auf dem Scanner „Remote Support“ in der Liste der Programme. Neben „Netz“ steht N0, wenn die Verbindung gut ist. Jeder andere Code von N1 bis N14 sagt, was fehlt: Bitte teilen Sie ihn uns vor dem Termin mit.
prepare-pin = Dort stehen auch eine Support-ID mit neun Ziffern und eine PIN mit vier. Lesen Sie beide dem Techniker am Telefon vor, wenn der Termin beginnt, und sonst niemandem. Beide sind jedes Mal neu.

during = Niemand kommt herein, bevor Sie am Scanner selbst zugestimmt haben. Er zeigt Ihnen, wer es ist und wie lange es dauern darf, und Sie können es jederzeit beenden.

cancelled = Dieser Termin findet nicht statt. Sie brauchen nichts vorzubereiten.
reminder = Die Fernwartung beginnt bald: Ist der Scanner geladen und verbunden?
