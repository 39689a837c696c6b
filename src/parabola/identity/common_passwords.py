"""Passwords that every attacker tries first, of the length that would otherwise be accepted. No list is looked up
over the network; this one stops the worst choices only.
"""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
12345678 123456789 1234567890 12345678910 123123123 1234512345 11111111 111111111 1111111111 00000000 000000000
0000000000 22222222 33333333 44444444 55555555 66666666 77777777 88888888 99999999 87654321 987654321 0987654321
123456789a a123456789 12345678a a12345678 123456abc abc123456 abcd1234 abcdefgh abcdefg1 abc12345 abc123abc aaaaaaaa
aa123456 aa12345678 a1b2c3d4 a1b2c3d4e5 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 q1w2e3r4 q1w2e3r4t5 qwertyui
qwertyuiop qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyqwerty asdfghjk asdfghjkl asdfasdf asdf1234
asdfghjkl1 zxcvbnm1 zxcvbnm123 qazwsxedc qazwsx123 zaq12wsx !qaz2wsx password password1 password12 password123
password1234 password12345 password123456 password! password1! p@ssword p@ssw0rd p@ssword1 p@ssw0rd1 passw0rd
passw0rd1 passw0rd123 passwort passwort1 passwort123 motdepasse contraseña iloveyou iloveyou1 iloveyou2 iloveyou!
ilovegod lovelove sunshine sunshine1 princess princess1 football football1 baseball baseball1 basketball liverpool
liverpool1 arsenal1 chelsea1 superman superman1 batman123 spiderman pokemon1 pokemon123 starwars starwars1 startrek
trustno1 whatever whatever1 welcome1 welcome12 welcome123 welcome1234 letmein1 letmein123 letmeinnow admin123
admin1234 admin12345 administrator administrator1 adminadmin root1234 rootroot changeme changeme1 changeme123
default1 default123 secret12 secret123 secret1234 test1234 test12345 testtest testing1 testing123 testtest1
tester123 user1234 user12345 guest123 demo1234 master12 master123 monkey12 monkey123 dragon12 dragon123 shadow12
shadow123 michael1 jennifer jordan23 jessica1 ashley12 charlie1 daniel12 andrew12 nicole12 samantha alexander
alexandra elizabeth victoria1 computer computer1 internet internet1 samsung1 samsung123 android1 iphone123 google123
facebook facebook1 linkedin linkedin1 youtube1 microsoft microsoft1 windows10 mustang1 corvette ferrari1 mercedes
porsche1 yamaha123 harley12 freedom1 cheese123 chocolate chocolate1 butterfly butterfly1 sunflower flower123
rainbow1 summer12 summer123 summer2023 summer2024 summer2025 summer2026 winter12 winter123 winter2023 winter2024
winter2025 winter2026 spring2024 spring2025 spring2026 autumn2024 autumn2025 autumn2026 january1 february1 november1
december1 monday123 correcthorsebatterystaple hunter22 hunter2hunter2 minecraft minecraft1 fortnite fortnite1
roblox123 qwerasdf asdfqwer asdf;lkj 147258369 159753456 159357456 741852963 789456123 456789123 147852369 963852741
852456852 password.1 pa55word pa55w0rd pass1234 pass12345 passpass newpass1 newpassword mypassword mypassword1
nopassword yourpassword thepassword passphrase letmein! iamgroot hellohello hello123 hello1234 helloworld
helloworld1 goodluck goodluck1 happy123 lucky123 killer12 killer123 soccer12 soccer123 hockey12 tigger12 ginger12
pepper12 buster12 cookie12 cookie123 maggie12 snoopy12 matrix12 phoenix1
"""

COMMON_PASSWORDS: Final = frozenset(_WORDS.split())
