# What a client reads of an appointment (fieldlink-connect invite). Plain words.

subject = Remote support for your scanner
subject-with-ticket = Remote support for your scanner, ticket { $ticket }
cancelled-subject = Cancelled: remote support for your scanner
cancelled-subject-with-ticket = Cancelled: remote support for your scanner, ticket { $ticket }

when = When: { $what }
when-for-engineer = For the engineer: { $what }
length = How long: { $minutes } minutes are planned. Two hours are the most, and only with your consent.
partner = Arranged by: { $what }
phone = If something comes up, call: { $what }

span = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[other] Sunday
  }, { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[other] December
  } { $year }, { $start } to { $end } ({ $zone })

prepare = Please prepare:
prepare-person = Somebody is beside the scanner with a phone, the whole time, and may decide about it.
prepare-battery = The scanner is switched on and on mains power, or its batteries are charged and others are at hand.
prepare-network = The scanner has an internet connection: a cable, Wi-Fi or a phone's hotspot.
prepare-start = On the scanner, open "Remote Support" in the list of programs. Beside "Network" it says N0 if the connection is good. Any other code from N1 to N14 says what is wrong: please tell us before the appointment.
prepare-pin = It also shows a support ID of nine digits and a PIN of four. Read them out to the engineer on the phone when the appointment begins, and to nobody else. Both are new each time.

during = Nobody comes in before you have agreed on the scanner itself. It shows you who it is and how long it may last, and you can end it at any time.

cancelled = This appointment does not take place. You need not prepare anything.
reminder = Remote support begins soon: is the scanner charged and connected?
