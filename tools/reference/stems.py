"""Writes test/fixtures/stems.json: English stems by the Snowball project's own Python package.

    apt install python3-snowballstemmer
    python3 tools/reference/stems.py

The words are made of stems and endings that meet every rule of the algorithm, and its exceptions.
"""

import snowballstemmer
from fixture import generator, write_fixture

STEMS = """abandon accomplish activ adjust allow anim argu bas beauti bibl black bounc capital cat celebr
child class climb close colour commun compet connect cri danc deci digit dog dr eas employ enjoy
excit fall fil fish flow fluff form gener grass great hap happi hop hopp hurri inform inning jump
kick kit knack lay leap light lov lunch mak manag monk mount mov nation nic observ occur offic
operat organ paint pe person photo play ponder predict press proceed quick race rat re relat rid roll
run runn sens ski skill sky sleep slipp smil snow sol sp splash stand stop stopp swim swimm sympath
t tann the throw toy trad tri try us vers vi wa walk wax wear wood yell yo young""".split()
ENDINGS = """ s es 's s' ' e ed eed eedly edly ing ingly er y ly li ies ied ness fulness ousness
iveness ization ation ational tional ator izer al ally alli alism ality aliti iciti icate ative
alize ical ful fulli lessli entli ously enci anci abli bli biliti iviti ousli ogi logi logist ance
ence able ible ant ement ment ent ion sion tion ism ate iti ous ive ize ll yy ay ey oy""".split(" ")
OTHERS = """skis skies dying lying tying idly gently ugly early only singly sky news howe atlas cosmos
bias andes innings outing outings canning herring herrings earring proceed exceed succeed exceeding
generate generic communism arsenal gas this kiwis gaps cries ties luxuriated hopping tagged bored
yes youth boyish say sayings flying cyanide yyy a an i is us bus class classes caresses ponies 's s
''s 'em o'clock don't rate rates bee agreed feed bled sing red owed eating agreeable""".split()


def main():
    made = sorted({stem + ending for stem in STEMS for ending in ENDINGS})
    words = {str(word) for word in generator("stems").choice(made, 2000, replace=False)} | set(OTHERS)
    stemmer = snowballstemmer.stemmer("english")
    write_fixture("stems.json", {word: stemmer.stemWord(word) for word in sorted(words)})


main()
