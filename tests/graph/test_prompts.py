"""The words of prompts: what asks for writing, what names camera and motion, and what nobody could see."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidflow.graph.prompts import names_camera, names_motion, nothing_to_see, writing_asked

WRITING = [
    "a neon sign that says OPEN above a bar",
    "a shop window with a sign reading 'fresh bread'",
    'a cake with "Happy Birthday" on it',
    'a billboard with the words "Buy now" beside a road',
    "a red car with a BMW logo on its hood",
    "a city street at night, subtitles at the bottom",
    "a title card over black",
    "opening credits over a skyline",
    "a man holding a placard which reads peace now",
    "the word LOVE drawn in the sand",
    "the name 'Anna' on a coffee cup",
    "graffiti letters painted on a train",
    "instructions written on a blackboard",
    "text appears letter by letter over the sea",
    "an infographic about coffee",
    "a football player with the number 7 on his back",
    "a digital clock showing 10:30",
    "a scoreboard with 3 points",
    "a countdown from 10 before the rocket starts",
    "a screen that shows 42.",
    "2049 appears over the city",
    "a handwritten letter that says goodbye",
    "「営業中」の看板がある居酒屋",
    "黒板に数字を書く先生",
    "画面の下に字幕が出る街の風景",
    "会社のロゴが入ったマグカップ",
    "『夏祭り』と書かれたのぼりが揺れる",
    "空に浮かぶ大きな文字",
    "背番号10の選手が走る",
    "タイトルが浮かび上がる夜空",
    "時計が10:30を指す駅のホーム",
    "壁にテロップのような光",
]
NO_WRITING = [
    "a street at night with neon signs and rain on the asphalt",
    "a girl reading a book under a tree",
    "a woman writes a letter at a wooden desk",
    "a rough texture of old stone, soft light",
    "a wide shot showing 3 people on a beach",
    "shot on 35mm film, 2.39:1, 4K, 120 fps",
    "a city in the year 2049, flying cars",
    "a dog catches a ball, no text, no watermark, no logo",
    "waves at dusk, without any captions or subtitles",
    "a text-free poster-like landscape",
    'a field in the "golden hour" look, a tractor drives by',
    "two people talking, the man says hello and smiles",
    "a clock tower in the fog, a crow flies past",
    "a bird on a signpost, 2 children walk by",
    "a watch on a wrist, the hand moves",
    "a number of people cross the square",
    "painted wooden boats in a harbour",
    "flowers printed on a dress that flutters",
    "an old library, dust in the light",
    "a student types on a laptop, close-up of hands",
    "a screen glows in a dark room",
    "a ship's captain looks at the horizon",
    "contextual lighting, textile patterns, a loom weaves",
    "海辺を歩く女性、波が寄せる、夕暮れ",
    "文字盤の美しい古い時計、振り子が揺れる",
    "文字通りの大雨の中を走る犬",
    "夜の街、ネオンの看板が並ぶ、雨",
    "本を読む少女、窓辺、木漏れ日",
    "森の中の小川、字幕なし、ロゴなし",
    "雪山を登る人、文字や透かしは入れない",
    "手紙を書く老人、机の上のランプ",
    "テキスタイルの工場、布が流れる",
]


@pytest.mark.parametrize("prompt", WRITING)
def test_a_prompt_that_asks_for_writing_or_numbers_is_told(prompt: str) -> None:
    asked = writing_asked(prompt)
    assert asked
    assert asked in prompt


@pytest.mark.parametrize("prompt", NO_WRITING)
def test_a_prompt_that_asks_for_no_writing_is_left_alone(prompt: str) -> None:
    assert writing_asked(prompt) is None


CAMERA = [
    "slow pan over a harbour",
    "the camera follows a fox through snow",
    "aerial view of a coast",
    "a close-up of hands kneading dough",
    "drone footage of a forest",
    "handheld, a market in the morning",
    "a low-angle shot of a tower",
    "static wide shot of a lake",
    "a train seen through a macro lens",
    "POV of a cyclist",
    "dolly in on an old door",
    "camera orbits a statue",
    "bird's-eye view of fields",
    "zooming out from a window",
    "over-the-shoulder view of a painter",
    "空撮で見る海岸線",
    "カメラがゆっくり左へ動く",
    "手持ちで追う子ども",
    "固定、湖の朝",
    "古い扉へズームイン",
    "俯瞰で見た市場",
    "少女のクローズアップ",
    "下から見上げた塔",
    "ドリーで近づく",
    "広角の街並み",
]
NO_CAMERA = [
    "a fox runs through snow",
    "waves break on black rocks at dusk",
    "an old man drinks tea",
    "a red kite over a green hill",
    "rain on a window, a city behind it",
    "two cats on a roof",
    "a market in the morning",
    "a candle burns in the dark",
    "children play football in the street",
    "a ship in a storm",
    "a company of soldiers marches",
    "autumn leaves fall in a park",
    "steam rises from a bowl of noodles",
    "a cathedral at night",
    "a robot dances on a stage",
    "雪の中を走る狐",
    "波が岩に砕ける夕暮れ",
    "お茶を飲む老人",
    "窓を打つ雨",
    "屋根の上の二匹の猫",
    "朝の市場",
    "暗闇で燃えるろうそく",
    "公園に落ちる葉",
    "舞台で踊るロボット",
    "嵐の中の船",
]


@pytest.mark.parametrize("prompt", CAMERA)
def test_words_of_the_camera_are_known(prompt: str) -> None:
    assert names_camera(prompt)


@pytest.mark.parametrize("prompt", NO_CAMERA)
def test_a_prompt_without_camera_is_known(prompt: str) -> None:
    assert not names_camera(prompt)


MOTION = [
    "a fox runs through snow",
    "a woman walking along the shore",
    "steam rises from a bowl of noodles",
    "children play football",
    "a candle flickering in the dark",
    "grass in the wind",
    "subtle movement of the curtains",
    "everything is still",
    "slow motion of a splash",
    "timelapse of clouds",
    "a bird flies over the lake",
    "leaves fluttered down",
    "two dancers twirl",
    "molten glass dripping",
    "traffic crosses a bridge",
    "a ship sails into a storm",
    "雪の中を走る狐",
    "風に揺れる草",
    "お茶を飲む老人",
    "舞台で踊るロボット",
    "雲が流れる空",
    "滝が流れ落ちる",
    "笑っている子ども",
    "ほとんど動きのない湖",
    "波が打ち寄せる浜",
]
NO_MOTION = [
    "a red house on a green hill",
    "a building in the morning",
    "an old oak, golden hour",
    "a bowl of noodles on a wooden table",
    "a king in a stunning blue cloak",
    "the ceiling of a cathedral",
    "a portrait of a woman with grey eyes",
    "an empty street at night, neon",
    "a ring on a velvet cushion",
    "a mountain lake, overcast",
    "a spring meadow",
    "two cats on a roof",
    "a breathtaking evening sky",
    "a small painting in a golden frame",
    "a red bicycle against a wall",
    "a man sitting on a bench",
    "赤い家と緑の丘",
    "山の湖、曇天",
    "青い衣の王",
    "木の机の上の丼",
    "夜の無人の街、ネオン",
    "大聖堂の天井",
    "屋根の上の二匹の猫",
    "春の草原",
    "灰色の目の女性の肖像",
]


@pytest.mark.parametrize("prompt", MOTION)
def test_words_of_motion_are_known(prompt: str) -> None:
    assert names_motion(prompt)


@pytest.mark.parametrize("prompt", NO_MOTION)
def test_a_prompt_without_motion_is_known(prompt: str) -> None:
    assert not names_motion(prompt)


LITERARY = [
    "the longing of a soul for eternity",
    "freedom",
    "the bittersweet memory of a love that never was",
    "time itself weeps for forgotten promises",
    "hope and despair, intertwined",
    "the essence of human existence",
    "a beautiful cinematic masterpiece",
    "an amazing, breathtaking, epic mystery",
    "melancholy and nostalgia for the past",
    "the meaning of life",
    "loneliness beyond words",
    "silence, solitude, stillness",
    "the weight of regret and sorrow",
    "a dream within a dream",
    "joy, pure joy",
    "faith, hope and love",
    "destiny calls, and fear surrenders to courage",
    "永遠の愛と孤独",
    "失われた時間の記憶が静かに語りかける",
    "希望",
    "心の奥に眠る記憶の断片",
    "人生の意味とは何か",
    "切なさと郷愁",
    "運命に抗う魂の祈り",
    "自由への憧れ",
    "無常の美",
    "悲しみと喜びのはざま",
    "存在の虚無と沈黙",
    "夢と希望",
    "美しく幻想的で感動的",
    "愛の本質",
]
SEEN = [
    "a woman walks along the shore at dusk",
    "an old man with a melancholy face sits in the rain",
    "a dream of red balloons over a grey city",
    "the spirit of the forest, a glowing deer",
    "loneliness in the city, one man on a bridge",
    "a beautiful lake, mist over the water",
    "a couple in love on a bench",
    "waves",
    "sea and sky",
    "a child's joy on a swing",
    "a peaceful garden with a stone lantern",
    "a knight fights for freedom before a burning castle",
    "magic sparks fly from a wand",
    "a soldier remembers home, a photograph in his hand",
    "a ghost ship in the fog",
    "time lapse of clouds over mountains",
    "a power plant at night",
    "the secret door behind a bookshelf opens",
    "an angel statue in an old cemetery",
    "abstract coloured ink swirls in water",
    "海辺を歩く孤独な男",
    "夢を見る少女と白い猫",
    "雨の夜の交差点、傘の列",
    "美しい湖と霧",
    "都心の高層ビル",
    "愛犬と走る子ども",
    "希望の丘に立つ一本の木",
    "思い出の写真を見る祖母",
    "窓辺の花",
    "森",
    "静かな海",
    "コーヒーを飲む人",
    "",
    "42",
    "Ein alter Mann mit einem Hund",
]


@pytest.mark.parametrize("prompt", LITERARY)
def test_a_literary_prompt_is_known(prompt: str) -> None:
    assert nothing_to_see(prompt)


@pytest.mark.parametrize("prompt", SEEN)
def test_a_prompt_with_something_to_see_is_left_alone(prompt: str) -> None:
    assert not nothing_to_see(prompt)


@given(st.text(max_size=300) | st.text("ab sign text says no , \"'「」文字と書1", max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    asked = writing_asked(text)
    assert asked is None or asked
    assert {names_camera(text), names_motion(text), nothing_to_see(text)} <= {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "a " * 5_000_000,
        "sign " * 1000,
        "no text, " * 1000,
        '"' * 4000,
        "「" * 4000,
        "clock with a " * 400,
        "文字、" * 2000,
    ],
)
def test_a_hostile_prompt_takes_no_time(text: str) -> None:
    began = time.process_time()
    writing_asked(text)
    names_camera(text)
    names_motion(text)
    nothing_to_see(text)
    assert time.process_time() - began < 0.5
