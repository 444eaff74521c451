"""What people call segments: words of several languages, as regular expressions.

Names are compared in lower case, without accents, with underscores and the like as spaces and with
``LiverTumor`` or ``GTV1`` parted into words (`plain`).
"""

from __future__ import annotations

import re
import unicodedata

ORGAN_WORDS: tuple[tuple[str, str], ...] = (
    # the first that fits decides: a lymph node of the liver hilum is a node, not liver
    ("lymph_node", r"lymph|\bnod(e|al)s?\b|adenopathy|\bln\b|\bgtv ?n\b|ganglion|linfonod|"
                   r"ganglio|noeud|лимф|淋巴"),
    ("portal_vein", r"portal vein|vena porta|\bpvtt\b|pfortader|veine porte|воротн\w+ вен|门静脉"),
    ("liver", r"\blivers?\b|hepatic (lobe|segment|parenchyma)|\bhepatic\b|\bhcc\b|hepatocellular|"
              r"hepatozellular|\bleber|\bfoie\b|hepati(que|co)|\bfegato\b|epatic|\bhigado\b|"
              r"\bfigado\b|\blever\b|watrob|\bmaksa\b|печен|肝"),
    ("lung", r"\blungs?\b|pulmon|\blungen?\b|poumon|polmon|легк|肺"),
    ("adrenal", r"adrenal|suprarenal|nebenniere|surrenal|surren|надпочечник"),
    ("bone", r"\bbones?\b|vertebra|\bribs?\b|pelvi[cs] bone|\bfemur\b|sternum|skelet|knochen|"
             r"wirbel|cartilage|\bcostal\b|\bsacrum\b|\bskull\b|scapula|clavicula|humerus|\bhip\b|\bossa?\b|hueso|кост|骨"),
    ("peritoneum", r"periton|omentum|mesenter"),
    ("spleen", r"spleen|splenic|\bmilz|\bmilza\b|\bbazo\b|\bbaco\b|селезен|脾"),
    ("kidney", r"kidney|\brenal|\bniere|\breins?\b|\brene\b|\brinon|\brim\b|почк|肾|腎"),
    ("pancreas", r"pancrea|pankreas|поджелуд|胰"),
    ("aorta", r"\baort|аорт|主动脉|大動脈"),
    ("brain", r"\bbrain\b|cerebr|gehirn|cerveau|мозг|脑"),
    ("pleura", r"pleura"),
    ("soft_tissue", r"soft tissue|muscle|subcutaneous|abdominal wall|chest wall|autochthon|"
                    r"iliopsoas|gluteus|weichteil"),
    ("gallbladder", r"gall ?bladder|gallenblase|vesicule|colecist|желчн"),
    ("bowel", r"bowel|\bcolon\b|duodenum|stomach|esophag|\brectum\b|\bdarm\b|\bmagen\b|estomac"),
    ("heart", r"\bheart\b|atri(um|al)|ventric|myocard|\bherz\b|\bcoeur\b"),
    ("bladder", r"urinary bladder|\bbladder\b|harnblase|prostate|uterus"),
    ("airway", r"trachea|bronch|thyroid"),
    ("spinal_cord", r"spinal (cord|canal)|ruckenmark|moelle"),
)  # fmt: skip
"""An organ by the words for it."""

LESION = (
    r"\blesions?\b|\blasion|laesion|\blesione?\b|tumou?r|tumeur|neoplas|\bmass\b|\bmasse\b|\bmasa\b|"
    r"raumforderung|\bhcc\b|carcinom|karzinom|metasta|\bfilia|\bnodules?\b|\bnodulo|\bknoten\b|"
    r"\b(rund)?herd\b|malignan|\bcancer|krebs|\btargets?\b|\bgtv ?[np]?\b|\bn?tl ?\d|опухол|"
    r"метастаз|очаг|肿瘤|腫瘤|腫瘍|病灶|病变"
)
VIABLE = (
    r"\bviable\b|\bvital(e[srnm]?)?\b|\bviavel\b|\bvivant\b|"
    r"enhancing (part|tumou?r|lesion|component)|\benhancing\b|enhancement"
)
DEAD = (
    r"necro(sis|tic|se|si|tique)|nekro|non.?viable|\bavital|nicht.?vital|non.?enhancing|"
    r"\bo?edema?\b|некроз|坏死|壊死"
)
NOT_DEAD = r"non.?viable|nicht.?vital|non.?enhancing"
UNSURE = r"ablat|lipiodol|iodi[sz]ed oil|thromb|effusion|ascites|erguss|\bcysts?\b|\bzyste|haemangiom|hemangiom"  # noqa: E501
VAGUE = r"abdom|trunk|torso|whole body|entire body"
VESSEL = r"\bveins?\b|\barter(y|ies|ie)\b|vessel|\bvena\b|\bveine\b|gefass|\bvascul|\bportal\b"
LIVER_PART = (
    r"\bsegments?\b|\blobe|\blappen|\blobo\b|\bleft\b|\bright\b|\bdome\b|caudate|couinaud|\bbox\b|"
    r"\broi\b|sphere|sample"
)
LIVER_LESS_TUMOUR = (
    r"(liver|leber|foie|fegato|higado)\s*(-|–|minus|without|ohne|sans|less|not)\s*"  # noqa: RUF001
    r"(the\s*)?(gtv|ctv|ptv|itv|tumou?r|lesion|hcc)"
)
"""As planners name what is left of the liver: it is no lesion, and not the whole liver."""
PORTA_HEPATIS = (
    r"porta(l)? hepati[sc]|hilar.*(liver|hepat)|(liver|hepat).*hil|hepatic hilum|leberhilus|"
    r"leberpforte"
)
PLANNING_VOLUME = r"\b(ctv|ptv|itv|prv)\b"
"""Tumour and a margin: no lesion."""
PLANNING = (
    r"\bbody\b|\bskin\b|\bexternal\b|\bcouch\b|\bbolus\b|\bring\b|"
    r"isocent|\bmarker|\bfiducial|\bavoid|\bpatient\b|\bbackground\b|kontrolle|\bmargin\b"
)
"""Regions of radiotherapy planning that are no organ and no lesion."""

NO_LESION_TYPES = frozenset(
    {
        "EXTERNAL", "PTV", "CTV", "ITV", "TREATED_VOLUME", "IRRAD_VOLUME", "BOLUS", "AVOIDANCE",
        "MARKER", "REGISTRATION", "ISOCENTER", "CONTRAST_AGENT", "BRACHY_CHANNEL",
        "BRACHY_ACCESSORY", "BRACHY_SRC_APP", "BRACHY_CHNL_SHLD", "SUPPORT", "FIXATION",
        "DOSE_REGION", "CONTROL", "DOSE_MEASUREMENT",
    }
)  # fmt: skip
"""RT ROI Interpreted Type (3006,00A4) of what is neither organ nor gross tumour."""

BESIDE = (
    r"\b(seg|segs|segmentations?|masks?|labels?|rois?|left|right|upper|lower|middle|lobe|gland|small|"
    r"large|urinary|auto|automatic|manual|final|ai|nnunet|totalsegmentator|ct|mri?|contours?|links|"
    r"rechts|gauche|droite?|organs?|whole)\b"
)
"""Words in the name of a file that change nothing about what it says."""
PART = r"\b(viable|vital|whole|total|entire|enhancing|enhancement|gesamt|part|component)\b"
"""Words that say which part of one lesion is outlined."""


def plain(text: str) -> str:
    """Return a name as it is compared: lower case, without accents, parted into words."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", text)
    lower = unicodedata.normalize("NFKD", parted.lower().replace("œ", "oe").replace("ł", "l"))
    bare = "".join(letter for letter in lower if not unicodedata.combining(letter))
    kept = unicodedata.normalize("NFC", bare)
    return re.sub(r"[_.\s,;/\\-]+", " ", kept).strip()
