"""Word lists: words that carry no content, and everyday words that people use for one another.

The groups hold the plain language of questions about any career, not facts of this one.
"""

FUNCTION_WORDS = frozenset(
    """a about above after again against all almost alone along already also although always am among an and another any
    anybody anyone anything are aren't around as ask at away be became because been before behind being below between both but by can cannot
    can't come could couldn't did didn't do does doesn't doing done don't down during each either else enough etc even ever
    every everyone everything few for from further get gets getting give given go goes going gone gonna good got had has hasn't have
    haven't having he her here hers him his how however i i'd i'll i'm i've if im in instead into is isn't it it's its itself
    just kind know let like likely lot lots made make makes many may maybe me mean means might more most much must my myself
    neither never no nobody none nor not nothing now of off often ok okay on once one ones only onto or other others ought
    our ours out over own per perhaps please quite rather really regarding same say says see seem seems shall she should shouldn't
    since so some somebody someone something sort still such sure take takes tell than thanks that that's the their theirs them themselves
    then there there's these they they're thing things think this those though through to together too toward towards u under unless until
    up upon us use used using usually very via want wants was wasn't way we well were weren't what what's whatever when where
    where's whether which while who who's whom whose why will wish with within without won't would wouldn't yes yet you your
    yours yourself r ur pls plz hi hello hey dear actually basically exactly possible possibly able anyway""".split()
)

# Content words that hold little of what a question is about; most guidance has them everywhere.
GENERIC_WORDS = frozenset(
    """advice answer become becoming best better big career common consider different difference do explain find great guidance help
    helpful important information involve involved job kind long look main matter need normal people person question realistic really
    recommend right role somebody start step suggest talk thing typical typically understand useful whole work working worth
    wonder wondering describe details tips compare versus vs expect happen happens like move moving next path often people position post
    should someone soon try usual usually""".split()
)

GROUPS = (
    "doctor doctors physician physicians clinician clinicians md mds",
    "job role position post posts roles positions jobs",
    "pay salary salaries compensation earn earns earning earnings income wage wages paid remuneration money",
    "cost costs fee fees price tuition expensive charge dollars",
    "need needs require required requires requirement requirements must necessary mandatory obligatory prerequisite essential",
    "long duration length take takes last lasts months years weeks days",
    "degree master masters qualification diploma",
    "exam examination test tests",
    "licence license licensed licensure licences licenses",
    "certification certificate certified credential credentials certify",
    "quit leave leaving resign stop give",
    "fired dismissed terminated sacked dismissal termination",
    "begin start starting first enter entry",
    "boss report reports reporting supervisor manager answers",
    "difference differ differs different versus vs compare compared distinction distinguish",
    "school university program programme course college",
    "training train trained education study",
    "duty duties responsibility responsibilities task tasks does do",
    "hire hired hiring recruit recruited recruitment recruiter recruiting headhunter search",
    "experience background",
    "woman women female gender",
    "foreign international abroad overseas",
    "older old age young younger",
    "quality improvement qi",
    "advantage advantages benefit benefits pros",
    "disadvantage disadvantages drawback drawbacks cons downside downsides risk risks",
    "skill skills competency competencies competence ability abilities",
    "hospital hospitals",
    "insurer insurers insurance payer payers plan plans",
    "drug drugs pharma pharmaceutical pharmaceuticals",
    "startup startups start-up company companies",
    "board boards trustees directors governance",
    "negotiate negotiation negotiating bargain",
    "interview interviews interviewing",
    "resume cv curriculum",
    "promotion promoted promote advance advancement",
    "bonus incentive incentives bonuses",
    "patient patients bedside clinical",
    "practice practise practicing practising",
    "budget budgets finance financial finances money",
    "network networking contacts connections relationships",
    "mentor mentors mentoring mentorship sponsor sponsors",
    "error errors mistake mistakes harm",
    "law legal rule rules regulation regulations regulatory",
    "penalty penalties fine fines",
    "percent percentage share proportion rate",
    "average median mean typical",
    "hours time workload schedule",
    "online remote virtual distance",
    "chief head lead leader leading leadership",
    "goal aim purpose objective objectives",
    "reason reasons why because",
    "safe safety",
    "contract contracts agreement agreements",
    "committee committees",
    "trial trials study studies",
    "stress burnout exhausted exhaustion",
    "tenure turnover",
    "team teams staff",
    "buy buying purchase",
    "child children kids",
    "sea ship ships vessel vessels boat",
    "teach teaching teacher teachers instructor",
)

# Slips of the keyboard in the words that frame a question; some of them are words of their own, which is why
# they are listed and not guessed.
SLIPS = dict(
    pair.split(":")
    for pair in """teh:the hte:the adn:and nad:and ot:to fo:of wat:what waht:what wht:what hwo:how howm:how whcih:which wich:which
    whihc:which ned:need nede:need shoud:should shuld:should shold:should woud:would wuld:would coud:could culd:could
    dont:don't doesnt:doesn't cant:can't isnt:isn't im:I'm ive:I've becom:become beome:become bcome:become wiht:with wtih:with
    thier:their tehy:they abotu:about abuot:about betwen:between btween:between jsut:just liek:like mkae:make tkae:take wehn:when""".split()
)

# Who has finished training, as a pattern.
SPECIALISTS = r"hospitalist|internist|intensivist|[a-z]+ologist|[a-z]+iatrist|pediatrician|surgeon"
