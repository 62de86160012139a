"""What a prompt's words ask for, in English and Japanese, by lists that anybody can read: writing in the picture, a
camera, motion, or nothing that could be seen.

Each list would rather miss a prompt than blame one that is good.
"""

from __future__ import annotations

import re

MAX_LENGTH = 4000
"""How many characters of a prompt are looked at."""

_SIGNS = (
    "sign|signs|signboard|billboard|banner|poster|placard|plaque|label|headline|t-shirt|shirt|chalkboard|blackboard|"
    "whiteboard|neon|cake|card|note|letter|newspaper"
)
_WRITING = (
    "text|texts|captions?|subtitles?|logos?|watermarks?|lettering|letters|words|typography|writing|titles?|credits|"
    "signage|numbers|digits"
)
_UNWANTED = re.compile(
    rf"\b(?:no|not|without|avoid|free of)\s+(?:\w+\s+){{0,2}}?(?:{_WRITING})\b"
    rf"(?:(?:\s*[,/&]\s*|\s+)(?:(?:and|or|no|nor|any)\s+){{0,2}}(?:\w+\s+)?(?:{_WRITING})\b)*"
    rf"|\b(?:{_WRITING})[- ](?:free|less)\b",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"\b(?:text|texts|captions?|subtitles?|logos?|watermarks?|lettering|typography|headlines?|slogans?|infographics?|"
    r"title cards?|(?:opening|main|end) titles?|(?:opening|end|closing|rolling) credits)\b"
    rf"|\b(?:{_SIGNS})\s+(?:\w+\s+){{0,3}}?(?:says?|saying|reads?|reading|spells?|spelling)\b"
    r"|\b(?:with|showing|shows|forming|form|spelling|displaying|displays) the (?:words?|letters|phrase|name|title|"
    r"message|initials)\b"
    r"|\b(?:words?|letters|names?|initials|messages?|slogan|dates?)\s+(?:\w+\s+)?(?:written|printed|engraved|painted|"
    r"embroidered|carved|tattooed|spelled)\b"
    r"|\bwritten (?:on|across|above|below|over)\b"
    r"|\b(?:number|numeral|digit)s? \d"
    r"|\bcount(?:s|ing)?[- ]?down\b"
    r"|\b(?:clock|watch|timer|stopwatch|counter|scoreboard|speedometer|thermometer|calendar|odometer|price tag)\s+"
    r"(?:\w+\s+){0,3}?(?:show\w*|display\w*|read\w*|says?|at|with|striking|counting)\s+(?:\w+\s+){0,2}?\d"
    rf"|\b(?:{_SIGNS}|screen|display|board|jersey|door)\s+(?:\w+\s+){{0,3}}?(?:show\w*|display\w*|read\w*|says?|with)\s+"
    r"(?:the\s+)?\d[\d:.,/%-]*(?=\s*(?:$|[.,;!?)]))"
    r"|\b\d{1,4}\s+(?:appears|is shown|is written|on (?:the|his|her|its|their|a) (?:screen|shirt|jersey|back|door|sign|"
    r"cake|wall|plate))\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\b(?:[Tt]he|[Aa]) (?:words?|phrase|letters|name|title|message|initials) (?=[\"'“‘]|[A-Z]{2})")
_QUOTED = re.compile(r"[\"“«„]([^\"“”«»„]{1,60})[\"”»](?!\s+(?:look|style|feel|effect|mood|vibe|aesthetic))")
_SINGLE_QUOTED = re.compile(r"(?<!\w)['‘]([^'‘’]{1,40})['’](?!\w)")
_SHOWS_WORDS = re.compile(rf"\b(?:{_SIGNS}|screen|board|title|written|printed|tattoo|jersey|word)\b", re.IGNORECASE)
_CAPITALS = re.compile(r"[A-Z][A-Z !?.&'-]+")

_WRITING_JA = "文字|字幕|テロップ|ロゴ|テキスト|キャプション|透かし|タイトル|数字|ウォーターマーク"
_UNWANTED_JA = re.compile(
    rf"(?:{_WRITING_JA})(?:[、,・やとも]*(?:{_WRITING_JA}))*(?:など)?[はのがをも]?(?:一切|全く|何も)?"
    r"(?:入れ|入ら|映ら|出さ|出|表示し|書か)?(?:なし|無し|ナシ|ない|無い|ず|抜き|不要|禁止)"
)
_WRITTEN_JA = re.compile(
    r"字幕|テロップ|ロゴ|キャプション|透かし|ウォーターマーク|テキスト|エンドロール|題字|吹き出し"
    r"|文字(?!盤|通り|どおり|化け)"
    r"|と(?:大きく|小さく)?(?:書かれ|書いて|書いた|記され|刻まれ|印刷され|表示)"
    r"|タイトル(?:が|を|文字|画面)"
    r"|数字|背番号|カウントダウン"
    r"|(?:時計|タイマー|メーター|スコアボード|得点板|電光掲示板|温度計|カレンダー)[^。、]{0,10}?\d"
)
_QUOTED_JA = re.compile(r"[「『“\"]([^「」『』“”\"]{1,40})[」』”\"]")
_SHOWS_WORDS_JA = re.compile(
    r"看板|のれん|暖簾|ポスター|張り紙|貼り紙|表札|ネオン|黒板|掲示|のぼり|標識|ラベル|画面|書|表示|シャツ|垂れ幕|横断幕|プレート"
)


def writing_asked(text: str) -> str | None:
    """The words of `text` that ask for writing or numbers in the picture; None where none do."""
    text = _UNWANTED_JA.sub(" ", _UNWANTED.sub(" ", text[:MAX_LENGTH]))
    for pattern in (_WRITTEN, _NAMED, _WRITTEN_JA):
        found = pattern.search(text)
        if found:
            return found[0].strip()
    shows, shows_ja = _SHOWS_WORDS.search(text), _SHOWS_WORDS_JA.search(text)
    for found in _QUOTED.finditer(text):
        if shows or shows_ja or _CAPITALS.fullmatch(found[1]):
            return found[0].strip()
    single = _SINGLE_QUOTED.search(text) if shows else None
    quoted = single or (_QUOTED_JA.search(text) if shows_ja or shows else None)
    return quoted[0] if quoted else None


_CAMERA = re.compile(
    r"\b(?:camera|cam|pans?|panning|panned|tilts?|tilting|dolly|dollies|zoom\w*|aerials?|drones?|bird'?s[- ]eye|"
    r"orbits?|orbiting|steadicam|gimbal|tracking|hand-?held|crane|static|locked[- ]off|fixed|close[- ]?ups?|wide|"
    r"shots?|pov|point of view|first[- ]person|(?:low|high|dutch|camera)[- ]angle|top[- ]down|overhead|macro|lens|"
    r"fisheye|push(?:es|ing)?[- ]in|pull(?:s|ing)?[- ](?:out|back)|fly[- ]?(?:over|through)|over[- ]the[- ]shoulder|"
    r"from (?:above|below)|viewpoint|framing|framed|time-?lapse)\b"
    r"|カメラ|パン|ティルト|チルト|ドリー|ズーム|空撮|ドローン|手持ち|固定|クレーン|俯瞰|鳥瞰|アップ|クローズ|ロング|ワイド|引き|寄り|"
    r"構図|アングル|視点|目線|追[いうっ]|見下ろ|見上げ|接写|マクロ|広角|望遠|魚眼|レンズ|画角|ショット|軌道|旋回|ステディカム|定点|"
    r"タイムラプス",
    re.IGNORECASE,
)
_MOTION = re.compile(
    r"\b(?:walk|run|jump|leap|flow|drift|rise|fall|wave|sway|swim|float|move|turn|spin|twirl|rotate|dance|drive|ride|"
    r"roll|burn|blow|pour|drop|drip|glide|climb|open|close|smile|blink|breathe|flicker|swirl|whirl|rain|snow|melt|grow|"
    r"bloom|explode|erupt|cross|pass|approach|race|chase|sail|soar|shake|tremble|shimmer|ripple|splash|crash|march|"
    r"enter|exit|lift|throw|catch|kick|cook|stir|eat|drink|play|talk|speak|sing|laugh|cry|weep|write|paint|unfold|"
    r"dissolve|morph|transform|flutter|hover|crawl|slide|skate|surf|cycle|gallop|bounce|stroll|wander|spread|scatter|"
    r"sparkle|twinkle|pulse|stretch|nod|look|gaze|reach|work|sweep|lap|circle|scroll)(?:s|es|ed|d)?\b"
    r"|\b(?:flies|flew|ran|rose|fell|cries|carries|hurries|blowing|wind|windy|breeze|motion|motionless|movements?|moving|"
    r"time-?lapse|slow-?mo|animated|subtle|still)\b"
    r"|\b(?!(?:building|ceiling|morning|evening|king|ring|wing|spring|string|clothing|lighting|nothing|something|"
    r"everything|anything|wedding|railing|painting|drawing|setting|amazing|stunning|charming|breathtaking|interesting|"
    r"during|viking|thing|being|clearing|crossing|parking|awning|earring|duckling|sitting|standing|lying|wearing|holding|"
    r"facing|looming|towering|existing|living|dining|sling|sibling|feeling|meaning|longing|opening|sterling)s?\b)"
    r"[a-z]{2,}ing\b"
    r"|歩[いくきかけ]|走[っりるら]|飛[びんぶば]|泳[いぐぎ]|流れ|揺れ|揺ら|動[いくきか]|舞[いうっ]|回[っりる]|踊[っりる]|跳[ねんび]|落ち|昇[っりる]|"
    r"沈[むみん]|漂[いうっ]|進[むみん]|駆け|降[りるっ]|吹[いくき]|燃え|咲[いくき]|溶け|崩れ|広が|近づ|遠ざ|振[りるっ]|登[っりる]|滑[っりる]|"
    r"転が|笑[いうっ]|歌[いうっ]|話[しす]|食べ|飲[むみん]|通り過ぎ|すれ違|行き交|波打|きらめ|またた|なび|たなび|浮か|浮き|弾け|開[いくけ]|閉じ|"
    r"変わ|巡[りる]|追い|急[いぐ]|注[いぐ]|打ち寄せ|ながら|てい[るくた]|てゆく|風|静止|動き|スローモーション|モーション|タイムラプス",
    re.IGNORECASE,
)


def names_camera(text: str) -> bool:
    """Whether `text` says where the camera is or what it does."""
    return _CAMERA.search(text[:MAX_LENGTH]) is not None


def names_motion(text: str) -> bool:
    """Whether `text` says what moves, or that nothing does."""
    return _MOTION.search(text[:MAX_LENGTH]) is not None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EMPTY = _words(
    """
    a an the this that these those it its he she they we you i me him her them us his their our your my of in on
    at to from by with without within into onto upon over under between among through beyond before after as like
    and or but nor so than then if when where while who whom whose which what how is are was were be been being am
    has have had do does did will would shall should can could may might must not no never ever always only just
    still very too all every each some any one itself himself herself own there here out up down off about against
    for s t
    """
)
_VAGUE = _words(
    """
    amazing atmospheric beautiful beautifully best bittersweet breathtaking cinematic deep deeply detailed
    emotional emotionally endless epic eternal ethereal evocative forgotten gorgeous great incredible infinite
    inner lost magical masterpiece mysterious perfect poetic poetically profound pure quality quiet quietly silent
    silently stunning sublime timeless true unspoken wonderful
    """
)
_ABSTRACT = _words(
    """
    absence abyss ache agony alienation ambition anguish anticipation anxiety beauty becoming beginning believe
    belonging betrayal bliss calmness chaos compassion confusion consciousness courage curiosity darkness death
    deceit dedication delight desire despair destiny devotion dignity disappointment dread dream ecstasy
    elegance emotion emptiness enlightenment essence eternity ethics existence faith fate fear feeling forget
    forgetting forgiveness fragility freedom friendship fulfilment futility future glory goodness grace gratitude
    greatness grief guilt happiness harmony hatred healing heartache heartbreak history honesty honor honour hope
    hopelessness humanity humility idea identity illusion imagination immortality impermanence innocence
    inspiration intimacy introspection irony jealousy joy justice kindness knowledge lament legacy liberation
    liberty life linger loneliness longing loss love loyalty luck magic meaning melancholy memory mercy
    misery moment morality mortality mourning mystery mysticism nihilism nobility nostalgia nothingness oblivion
    passion past patience peace perfection possibility power presence pride promise purity purpose reality rebirth
    redemption regret remember remembrance remorse renewal resilience resolve reverie sacrifice sadness secret
    sensation sentiment serenity shame silence sincerity solitude sorrow soul spirit spirituality stillness
    strength struggle suffering surrender tenderness thought time togetherness transcend transcendence transience
    truth uncertainty unity vanity virtue void vulnerability whisper wisdom wistfulness wonder word yearn yearning
    youth
    """
)
_JA = "一-鿿々"
_VAGUE_JA = re.compile(
    r"美し[いくさ]|素晴らし[いくさ]|感動的|幻想的|詩的|叙情的|抒情的|情緒的|神秘的|シネマティック|シネマチック|静か|静寂な|深[いく]|永遠の|"
    r"究極|最高|傑作|エモい|エモーショナル|果てし|限りな"
)
_ABSTRACT_JA = re.compile(
    r"孤独|希望|絶望|永遠|運命|宿命|記憶|思い出|想い出|想い|思い|自由|哀愁|哀しみ|悲しみ|喜び|怒り|苦しみ|痛み|切な[さい]|儚[さい]|はかな[さい]|"
    r"ときめき|やすらぎ|安らぎ|憧れ|憧憬|郷愁|ノスタルジー|ノスタルジア|存在|意味|本質|真実|真理|虚無|虚無感|無常|幸福|幸せ|不安|恐怖|愛情|友情|"
    r"青春|人生|生命|精神|意識|無意識|感情|情熱|情念|静寂|沈黙|時間|過去|未来|歴史|夢幻|幻想|奇跡|祈り|願い|約束|別れ|喪失|失われ|忘れ|忘却|"
    r"追憶|余韻|情緒|風情|美学|哲学|思想|概念|正義|平和|勇気|誇り|優しさ|温もり|ぬくもり|生きる|語りかけ|彷徨|さまよ|響き|断片|"
    rf"(?<![{_JA}])(?:愛|夢|心|魂|死|生|命|恋|美|無|罪|時)(?![{_JA}])"
)
_SEEN_JA = re.compile(rf"[{_JA}]+|[ァ-ヶー]{{2,}}")
_WORD = re.compile(r"[a-z]{2,}")


def nothing_to_see(text: str) -> bool:
    """Whether most of what `text` names cannot be seen: feelings and ideas, and too few things."""
    text = text[:MAX_LENGTH].casefold()
    words = [word for word in _WORD.findall(text) if word not in _EMPTY]
    vague = sum(word in _VAGUE for word in words)
    abstract = sum(word not in _VAGUE and _is_abstract(word) for word in words)
    seen = len(words) - vague - abstract
    rest, found = _VAGUE_JA.subn(" ", text)
    vague += found
    rest, found = _ABSTRACT_JA.subn(" ", rest)
    abstract += found
    seen += len(_SEEN_JA.findall(rest))
    return abstract > seen or (not seen and not abstract and vague > 0)


def _is_abstract(word: str) -> bool:
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), f"{word.removesuffix('ies')}y")
    return any(form in _ABSTRACT for form in forms)
