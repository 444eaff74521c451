"""The words by which people name contrast phases, as data.

Latin words are matched without accents, in lower case, as whole words of a text whose other signs
are spaces (`imaging.phase_text`). Words of other scripts are matched anywhere.
"""

from __future__ import annotations

_NOT_CONTRAST = (
    r"(?! ?(op|operativ\w*|surg\w*|tace|treat\w*|therap\w*|rx|rt|biopsy|bx|ablat\w*|transplant\w*|"
    r"tips|embol\w*|monit\w*|scan|study|dose|session|prep|proc|procedur\w*|"
    r"chemo\w*|radiat\w*|sirt|y ?90|"
    r"tx|hepatectom\w*|resect\w*|insert\w*|drain\w*|rfa|mwa|vesic\w*|operat\w*)(?![a-z]))"
)
"""What follows "pre" where it speaks of a treatment, not of contrast."""

_NOT_A_PHASE = (
    r"(?! ?(embol\w*|inj\w*|sten\w*|bypass|graft|spin|input|portogr\w*|line|occlu\w*|map\w*|"
    r"access|infus\w*|chemo\w*|duplex|disease|system|tree|anatom\w*|run ?off|hyperten\w*|thromb\w*|"
    r"switch|cath\w*|sampl\w*|angio\w*|aneur\w*|malform\w*|fistul\w*|filter|port cath\w*|shunt)"
    r"(?![a-z]))"
)
"""What follows "arterial" or "venous" where it speaks of a vessel or an intervention."""

_NOT_BEFORE = r"(?<!pulm )(?<!pulmonary )(?<!pulmonar )(?<!intra )(?<!trans )(?<!uterine )"
"""What stands before "arterial" where it speaks of another vessel or a route."""

_ARTERIAL = (
    r"arterial(e|es|is|na)?|arter|arteriell\w*|arteriel(le)?s?|arterieel|arteriel[ae]|arterios[ao]s?"
    r"|arteria(?! [a-z])|arteryel|arteriyel|arteryal|arterialni|tetnic\w*"
    r"|artarfas\w*|arteriefas\w*"
)
_BETWEEN = r"(hepatic |fa[sz][ae] |phase )?"
_ART_WORD = r"(art(er\w*|ar\w*)?|tetnic\w*)"
_EARLY = r"early|fru?e?h\w*|precoce|precoz|temprana|erken|wczesna|vroeg\w*|tidig|tidlig|rana"
_LATE = r"late|spae?t\w*|tardiv[oea]|tardi[oa]|tardif|gec|pozna|laat\w*|late?re|sen|pozdni"
_PORTAL = (
    r"porta+l\w*|porte|porto\w*|pv|pvp|portven\w*|portaven\w*|p ?v(en\w*|f)|venous|venos\w*"
    r"|venoes\w*|vei?neu\w*|veinosa|venoz|venozn\w*|zylna|wrotna|ven"
)

WORDS: tuple[tuple[str, str], ...] = (
    ("native", rf"pre{_NOT_CONTRAST}|precontrast\w*|precon|preliver|preinfusion|preinj\w*"),
    ("native", r"nativ\w{0,2}|nativphase|dry|unenhanced|plain|basale"),
    ("native", r"(fase|estudio|serie|tc|abdom\w*) basal|vuoto|smdc"),
    ("native", r"non? ?con(trast)?|non contrast\w*|noncontrast\w*|ncct"),
    ("native", r"without( iv)?( con(trast)?)?"),
    ("native", r"w ?o( iv)?( con(trast)?| gd| gad)?|sans( iv| inj\w*| contraste| pdc| produit)"),
    ("native", r"avant (iv|inj\w*|contraste|pdc)|ungekontrastet|ohne (km|kontrast\w*|contrast)"),
    ("native", r"leeraufnahme|senza (mdc|contrasto|mezzo)|s mdc|(fase|scansione) diretta"),
    ("native", r"s[ie][nm] (contraste|civ|iv)|s contraste|zonder (contrast|km)|blanco"),
    ("native", r"kontrast ?si?z|bez kontrastu|bez kontrast\w*|nekontrastn\w*|bez kl"),
    ("native", r"ut[ae]n kontrast"),
    ("native", r"uden kontrast|ilman tehostetta|przed (kontrastem|kl)|vor (km|kontrast\w*)"),
    ("native", r"prima (del )?(mdc|contrasto)|antes (do|del) contraste|voor contrast"),
    ("early_arterial", rf"({_EARLY}) ?{_BETWEEN}{_ART_WORD}{_NOT_A_PHASE}|arter\w* ({_EARLY})"),
    ("early_arterial", r"fru?e?harter\w*|earlyart\w*|artery?el erken|eart"),
    ("late_arterial", rf"({_LATE}) ?{_BETWEEN}{_ART_WORD}{_NOT_A_PHASE}|arter\w* ({_LATE})"),
    ("late_arterial", r"spae?tarter\w*|lateart\w*|lart"),
    ("inflow", r"(portal|portal venous|pv) inflow"),
    ("arterial", rf"{_NOT_BEFORE}({_ARTERIAL}){_NOT_A_PHASE}|hap"),
    ("art", rf"{_NOT_BEFORE}(?<!metal )(?<!mar )art(?! ?(red\w*|corr\w*|supp\w*|mar)(?![a-z]))"
        rf"{_NOT_A_PHASE}"),
    ("portal_venous", rf"({_PORTAL}){_NOT_A_PHASE}"),
    ("delayed", r"delay\w*|dly|retard\w*|tardi[fvoa]\w*|equilib\w*|spae?t(phase)?|excret\w*"),
    ("delayed", r"(late|late fase) phase|late fase|spae?tvenos\w*|spae?te? (phase|ven\w*)"),
    ("delayed", r"vertraagd\w*"),
    ("delayed", r"gec (faz|venoz)|gecikm\w*|faza (pozna|opozniona|wydalnicza)|opoznion\w*"),
    ("delayed", r"sen ?fas"),
    ("delayed", r"gleichgewicht\w*|evenwicht\w*|interstitial phase|ausscheidung\w*"),
    ("transitional", r"transition(al|nelle)?( phase| fase)?|transicional|transizionale"),
    ("transitional", r"ubergangsphase"),
    ("hepatobiliary", r"hepato ?bil\w*|hbp|hepatobiliaire|hepato ?spe[cz]if\w*|epatobiliare"),
    ("hepatobiliary", r"hepatozyt\w*|leberspezifisch\w*"),
    ("several", r"([2-6]|two|three|four|bi|tri|quad\w*|multi|dual|double) ?(phas|fas|faz|ph)\w*"),
    ("several", r"triple ?(phas|fas|ph)\w*|mehrphas\w*|mph|(un|sans) et avec|biphas\w*"),
    ("several", r"dyn|dynamic|dynamique|dynamisch|dinamic[ao]|dynamiczn\w*"),
    ("tracking", r"smart ?prep\w*|monitor\w*|premonitor\w*|pre ?mon|care ?bolus|bolus|tracker"),
    ("tracking", r"tracking"),
    ("tracking", r"locator|sure ?start|bolustrack\w*|timing"),
    ("localizer", r"locali[sz]er|scout|topo(gram\w*)?|surview|test inj\w*|survey|scano\w*|loc"),
    ("contrast", r"post\w{0,8}|w|with|c\+|contrast\w*|contraste|\+c|kontrast\w*|km|gd|gad|gado\w*"),
    ("contrast", r"enhanced|iv|inj\w*|civ|mdc|ce|avec"),
    ("sampled", r"asl|spin label\w*|perfusion|perf\w*|tof|venogra\w*|mrv|ctv|ctp|dsc|aif|swi|ivim"),
    ("sampled", r"portogra\w*|ctap|arteriogra\w*|ctha"),
    ("elsewhere", r"carotid\w*|coronar(y|ies|ia|ie)|brain|head|neck|breast|mamm\w*|vibrant|ispy2?"),
    ("elsewhere", r"dynaviews|leg|legs|femur|femoral\w*|knee|run ?off|peripher\w*"),
    ("elsewhere", r"(lower|upper) ext\w*"),
    ("elsewhere", r"beine?|jambes?|gambe|piernas|cerebr\w*|orbit\w*|willis"),
    ("elsewhere", r"foot|hand|arm|arms|ankle|spine|prostate|prostata|hals|schadel|kopf|cow"),
    ("elsewhere", r"av fist\w*|pe|lungenembolie|embolie pulm\w*|(thorax|chest) angio\w*"),
    ("elsewhere", r"pulm(onary)? (art\w*|embol\w*|angio\w*)|ctpa|arteries pulm\w*|cardiac|heart"),
    ("derived", r"mip|minip|min ip|vrt|volume render\w*|3d render\w*|sub|subtr\w*|subs|ssub"),
    ("derived", r"subtraction"),
    ("derived", r"vnc|tnc|virtual (non|un)\w*|iodine\w*|iodio|jod\w*|overlay\w*|wash ?(in|out)"),
    ("derived", r"ttp"),
    ("derived", r"kep|ktrans|(eff|effective) z|z ?eff|fat (fraction|map)|r2 ?star|pei"),
    ("derived", r"mpr thin range"),
    ("weighting", r"t2\w*|dwi\w*|adc|diff\w*|haste|ssfse|stir|flair|trufi\w*|fiesta|b ?\d{2,4}"),
    ("weighting", r"mrcp"),
    ("weighting", r"(in|out|opp\w*|out of|op)( and out| out)? ?phase\w*|opp|dual ?echo|in opp"),
    ("weighting", r"inphase"),
    ("weighting", r"out ?ph\w*|phase_?opp\w*|fat only|ff|elast\w*|mre|ep2d\w*|epi|resolve|space"),
)  # fmt: skip
"""Kind and pattern. Kinds beside phases: ``art`` (the bare abbreviation), ``inflow`` (to the portal
vein: late arterial), ``several`` (the whole examination), ``tracking`` and ``localizer`` (no volume
of the liver), ``contrast``, ``sampled`` (perfusion, spin labelling, injection into an artery),
``elsewhere`` (a region whose phases have other times), ``derived`` (computed from other images),
``weighting`` (no T1-weighted dynamic)."""

SCRIPTS: tuple[tuple[str, str], ...] = (
    (
        "native",
        "平[扫掃]|単純|造影前|增强前|增強前|비조영|조영 ?전|нативн|без контраст|бесконтраст",
    ),
    ("early_arterial", "早期[动動][脉脈]|[动動][脉脈]早期|ранняя артериал|早期動脈"),
    ("late_arterial", "(晚|晩|后|後)期[动動][脉脈]|[动動][脉脈](晚|晩|后|後)期|поздняя артериал"),
    ("arterial", "[动動][脉脈](優位)?[期相]|동맥기|동맥상|артериальн|αρτηριακη φαση"),
    ("portal_venous", "[门門]?[静靜][脉脈][期相]|[门門][脉脈](優位)?[期相]|문맥기|문맥상"),
    ("portal_venous", "портальн|венозн|πυλαια|φλεβικη φαση"),
    ("delayed", "[延遅][迟遲延][期相]?|平衡[期相]|지연기|지연상|отсроч|эквилибр|後期相"),
    ("transitional", "移行[期相]|过渡期|過渡期"),
    ("hepatobiliary", "肝[胆膽][期相]|肝細胞(造影)?相|肝(细胞)?特异[性]?期|간담도기|гепатобилиар"),
    ("derived", "虚拟平扫|虛擬平掃"),
)
"""Chinese, Japanese, Korean, Russian and Greek, without accents."""
