"""Common passwords of ten characters and more, as lists of stolen ones begin with, and phrases that nobody has used."""

import pytest

from hub.auth.passwords import require_good
from hub.messages import HubError

# Entries of ten and more characters from the beginnings of the public lists of stolen passwords.
COMMON = """
1234567890 0123456789 0987654321 9876543210 12345678910 123456789a 123456789q a123456789 q123456789 1234567891
123456789123 1111111111 0000000000 5555555555 7777777777 1212121212 1231231231 123123123123 1122334455 1234512345
12345qwert qwert12345 qwertyuiop qwerty12345 qwerty123456 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc qazwsxedcrfv
zaq12wsxcde3 asdfghjkl123 zxcvbnm123 qwertyuiop123 poiuytrewq asdfghjklz qazwsx1234 q1w2e3r4t5 q1w2e3r4t5y6
1qazxsw23edc abcdefghij abcd123456 abc1234567 abc123abc123 password12 password123 password1234 password01 password11
passw0rd123 p@ssw0rd12 p@ssword123 mypassword mypassword1 passwordpassword administrator admin12345 admin123456
administrator1 rootroot12 letmein123 letmein1234 welcome123 welcome1234 welcome2024 changeme123 iloveyou12
iloveyou123 iloveyou1234 iloveyou2 football12 football123 baseball12 baseball123 basketball basketball1 sunshine12
sunshine123 princess12 princess123 superman12 superman123 spiderman1 spiderman123 batman12345 dragon12345
monkey12345 master12345 shadow12345 michael123 jennifer12 jennifer123 jonathan12 charlie123 jessica123 michelle12
elizabeth1 alexander1 christopher summer2023 summer2024 winter2024 spring2025 autumn2024 january2024 december12
starwars12 starwars123 pokemon123 minecraft1 liverpool1 liverpool12 manchester manchester1 barcelona1 barcelona10
chelsea123 arsenal123 juventus10 realmadrid realmadrid1 Password123! Password1! Passw0rd123 Qwerty123! Qwerty12345
Welcome123! Admin123456 Summer2024! Winter2023! P@ssw0rd123 Iloveyou1! hallo12345 passwort12 passwort123 schatz1234
schalke04! fussball12 fussball123 geheim1234 sonnenschein sommer2024 berlin1234 terminator undertaker 1029384756
Tinkerbell aaaaaaaaaa abababababab asdasdasdasd
qweqweqweqwe testtest12 test123456 test1234567 testing123 temp123456 secret1234 secret12345
"""

PHRASES = """
a quiet blue kettle
copper lantern riddle
correct horse battery
vier müde Katzen auf Dächern
kaiju spatula 41 monsoon
tR7-pelican-oboe
mellow brisk fathom
ungewöhnlich zähe Socken
seventeen crooked spoons
Qx8!vT2#mZ5
zwölf Boxkämpfer jagen Viktor
brass otter lullaby
the moth ate my curtain
ночная рыба поёт
静かな青いやかん静か青い
gravel-hymn-cactus
purple monk eats slate
"""


@pytest.mark.parametrize("password", [word for word in COMMON.split() if len(word) >= 10])
def test_common_ones_are_refused(password: str) -> None:
    with pytest.raises(HubError) as caught:
        require_good(password)
    assert caught.value.id == "password-common"


@pytest.mark.parametrize("password", PHRASES.strip().splitlines())
def test_phrases_are_taken(password: str) -> None:
    require_good(password, "Ada Lovelace", "ada@example.org")
