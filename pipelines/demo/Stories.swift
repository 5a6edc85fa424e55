// Writes small stories from a grammar of its own: the text on which the demo's model was trained
// and from which the demo's activations come.
//
// Three things are declared here, each once: the words (tables and categories), the relations
// between them (a frog croaks, Anna is a girl), and the scenes (templates over both). Stories and
// the category file are made from the same tables, so they cannot disagree. Story n of a seed is a
// pure function of the two numbers and identical on every machine.
//
// usage: stories --output PATH (--megabytes M | --stories N) [--seed S] [--categories PATH]

import Foundation

// MARK: - Words

let animals: [(name: String, sound: String, home: String)] = [
  ("dog", "barked", "kennel"), ("cat", "purred", "basket"), ("bird", "sang", "nest"),
  ("duck", "quacked", "pond"), ("frog", "croaked", "pond"), ("mouse", "squeaked", "hole"),
  ("bear", "growled", "cave"), ("horse", "neighed", "stable"),
]

let weathers: [(name: String, ground: String, clothing: [String])] = [
  ("rainy", "wet", ["raincoat", "hood"]), ("snowy", "icy", ["scarf", "coat"]),
  ("sunny", "dry", ["cap", "shirt"]), ("windy", "cool", ["jacket", "sweater"]),
  ("frosty", "icy", ["coat", "sweater"]), ("stormy", "wet", ["raincoat", "jacket"]),
]

let things: [(one: String, many: String)] = [
  ("ball", "balls"), ("kite", "kites"), ("book", "books"), ("box", "boxes"), ("drum", "drums"),
  ("lamp", "lamps"), ("cup", "cups"), ("bell", "bells"), ("apple", "apples"), ("egg", "eggs"),
]

let girls = ["Anna", "Mia", "Lily", "Zoe", "Ruth", "Emma", "Nora", "Ivy"]
let boys = ["Tom", "Ben", "Max", "Sam", "Leo", "Jack", "Finn", "Hugo"]
let numbers = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

/// Every word of every story, under the one category it belongs to.
let categories: [(name: String, words: [String])] = [
  ("animal", animals.map(\.name)),
  ("animal sound", animals.map(\.sound)),
  ("animal home", animals.map(\.home)),
  ("weather", weathers.map(\.name)),
  ("ground", weathers.map(\.ground)),
  ("clothing", weathers.flatMap(\.clothing)),
  ("thing", things.map(\.one)),
  ("things", things.map(\.many)),
  ("girl's name", girls),
  ("boy's name", boys),
  ("child", ["girl", "boy"]),
  ("family", ["mother", "father", "sister", "brother", "uncle", "aunt"]),
  ("number", ["one"] + numbers),
  ("weekday", weekdays),
  ("daytime", ["morning", "afternoon", "evening"]),
  ("colour", ["red", "blue", "green", "yellow", "white", "black", "brown", "orange", "pink"]),
  ("size", ["big", "small", "tiny", "huge", "little", "enormous"]),
  ("quality", ["old", "new", "soft", "shiny", "clean", "heavy"]),
  ("good feeling", ["happy", "glad", "proud", "cheerful", "excited"]),
  ("bad feeling", ["sad", "angry", "scared", "lonely", "unhappy"]),
  ("need", ["hungry", "thirsty"]),
  ("food", ["bread", "soup", "cake", "rice", "cheese", "honey"]),
  ("drink", ["milk", "water", "tea", "juice", "cocoa"]),
  ("place", ["park", "garden", "forest", "beach", "school", "market", "farm", "river"]),
  ("furniture", ["table", "chair", "bed", "shelf", "door", "bench", "sofa"]),
  ("position", ["under", "behind", "beside", "near", "above"]),
  ("preposition", ["in", "on", "to", "at", "with", "from", "for", "into"]),
  ("article", ["a", "an", "the", "some"]),
  ("conjunction", ["and", "but", "or", "so", "because"]),
  ("negation", ["not", "never", "nothing", "nobody", "no"]),
  ("be", ["was", "were", "is", "are", "am"]),
  ("auxiliary", ["do", "did", "could", "can", "will"]),
  ("pronoun", ["he", "she", "it", "they", "we", "I", "you"]),
  ("possessive", ["his", "her", "its", "my", "your"]),
  ("speech", ["said", "asked", "answered", "shouted", "whispered"]),
  ("motion", ["went", "ran", "walked", "hurried", "came"]),
  (
    "past action",
    [
      "had", "found", "took", "lost", "saw", "met", "gave", "ate", "drank", "looked", "wore",
      "made",
    ]
  ),
  ("plain action", ["find", "see", "take", "eat", "look", "go", "want"]),
  ("manner", ["loudly", "softly", "quietly", "slowly", "quickly"]),
  ("time", ["then", "soon", "suddenly", "finally", "now", "today", "tomorrow", "later"]),
  ("direction", ["there", "here", "home", "back", "outside"]),
  ("intensifier", ["very", "really", "quite", "too"]),
  ("question", ["where", "what", "who", "why"]),
  ("courtesy", ["hello", "please", "thanks", "goodbye", "yes"]),
  ("quantity", ["more", "all", "another"]),
  ("demonstrative", ["this", "that"]),
  ("comma", [","]),
  ("stop", [".", "!"]),
  ("opening quote", ["\""]),
  ("closing quote", [".\"", ",\"", "?\"", "!\""]),
]

// MARK: - Relations

/// What a slot may hold where that is more, or other, than the words of the category of its name.
let pools = [
  "hero": girls + boys, "friend": girls + boys, "number": Array(numbers.dropLast()),
]

/// A slot that follows from what another slot of the story holds.
struct Relation {
  var slot: String
  var source: String
  var words: [String: [String]]

  init(_ slot: String, of source: String, _ words: [(String, [String])]) {
    self.slot = slot
    self.source = source
    self.words = Dictionary(words, uniquingKeysWith: { first, _ in first })
  }
}

func gendered(_ masculine: String, _ feminine: String) -> [(String, [String])] {
  boys.map { ($0, [masculine]) } + girls.map { ($0, [feminine]) }
}

func following(_ words: [String]) -> [(String, [String])] {
  zip(words, words.dropFirst()).map { ($0, [$1]) }
}

let relations = [
  Relation("he", of: "hero", gendered("he", "she")),
  Relation("his", of: "hero", gendered("his", "her")),
  Relation("boy", of: "hero", gendered("boy", "girl")),
  Relation("friend's he", of: "friend", gendered("he", "she")),
  Relation("friend's his", of: "friend", gendered("his", "her")),
  Relation("friend's boy", of: "friend", gendered("boy", "girl")),
  Relation("sound", of: "animal", animals.map { ($0.name, [$0.sound]) }),
  Relation("home", of: "animal", animals.map { ($0.name, [$0.home]) }),
  Relation("ground", of: "weather", weathers.map { ($0.name, [$0.ground]) }),
  Relation("clothing", of: "weather", weathers.map { ($0.name, $0.clothing) }),
  Relation("things", of: "thing", things.map { ($0.one, [$0.many]) }),
  Relation("number + 1", of: "number", following(numbers)),
  Relation("next weekday", of: "weekday", following(weekdays + weekdays.prefix(1))),
]

// MARK: - Scenes

// A scene is a list of steps with a blank line between them; a step is a choice between its lines.
// `{colour}` is drawn at its first mention and stays the same for the whole story; `{colour 2}` is
// another colour; `{any motion}` is drawn afresh. A capital letter asks for one: `{He}`.

let openingLines = """
  This is {hero}, a {size} {boy}. {He} {any motion} to the {place}.
  There was a {size} {boy} at the {place}. This was {hero}.
  On {weekday}, {hero} went to the {place} with {his} {family}.
  {Hero} was a {good feeling 2} {boy}. {He} {any motion} to the {place} on {weekday}.
  {Hero} and {his} {family} {any motion} to the {place}.
  """

let weatherLines = """
  It was a {weather} {daytime}, so {he} took {his} {clothing}.
  It was {weather} and the {place} was {ground}. {He} wore {his} {colour 3} {clothing}.
  "It is {weather} outside," said {his} {family}. "Take your {clothing}!"
  The {daytime} was {weather} and {ground}. {He} wore {his} {quality 5} {clothing}.
  """

let middleScenes = [
  // Lost and found.
  """
  {He} had a {size} {colour} {thing}.
  {Hero} took {his} {quality} {colour} {thing} to the {place}.

  But soon {he} could not find the {thing}.
  Suddenly the {thing} was not there.
  Then {he} lost the {colour} {thing}.

  "Where is my {thing}?" asked {hero}. {He} was {any intensifier} {bad feeling}.
  {Hero} was {bad feeling} because the {thing} was not {any position} the {furniture}.
  "Who took my {thing}?" {any speech} {hero}. Nobody answered.
  "Why is my {thing} not here?" {any speech} {hero}.

  {He} looked {position 2} the {furniture}, but it was not there.
  {He} looked {position 2} the {furniture} and {position 3} the {furniture 2}, but found nothing.
  {His} {family} did not see the {thing}.

  "I saw a {colour} {thing} {position} the {furniture 3}," said {friend}.
  "It is not {position 2} the {furniture}," said {friend}. "Look {position} the {furniture 3}!"

  {Hero} went back and found the {thing} {position} the {furniture 3}.
  {He} {any motion} there and saw the {colour} {thing} {position} the {furniture 3}.
  """,
  // An animal.
  """
  At the {place}, {he} met a {size 2} {animal}.
  A {size 2} {colour 2} {animal} {any motion} from the {place 2}.
  {Hero} saw a {animal} {position} the {furniture}.

  The {animal} {sound} {any manner}.
  "Hello, {animal}!" {any speech} {hero}. The {animal} {sound}.
  {Hero} was not {bad feeling}, but the {animal} {sound} {any manner}.

  "Are you {need}?" asked {hero}. The {animal} {sound} {any manner}.
  {Hero} gave the {animal} some {food}. It ate the {food} {any manner}.
  {He} gave the {animal} some {drink}. It drank the {drink} {any manner}.

  Then the {animal} {any motion} back to its {home}.
  "Goodbye, {animal}!" said {hero}. It {any motion} home into its {home}.
  Later {he} saw the {animal} in its {home}. It {sound}.
  """,
  // Counting.
  """
  {Hero} had {number} {colour 2} {things}.
  There were {number} {colour 2} {things} {any position} the {furniture}.
  "I can see {number} {things}," said {hero}. The {things} were {colour 2}.

  {Friend} gave {hero} one more {thing}. Now there were {number + 1} {things}.
  Soon {he} found another {thing}. Now {he} had {number + 1} {things}.
  "Here is one more {thing}," said {friend}. "Now you can see {number + 1} {things}!"

  One {thing} was not {colour 2}. It was {colour 4}.
  All the {things} were {quality 2}, but one {thing} was {quality 3}.
  {His} {family} did not want {number + 1} {things}.
  The {number + 1} {things} were {any intensifier} {quality 2}.
  """,
  // A meal.
  """
  {Hero} was hungry. {His} {family} made some {food 2} and some {food 3}.
  "I am {any intensifier} hungry," {any speech} {hero}. "Can we eat some {food 2} or {food 3}?"

  "Will you eat the {food 2} or the {food 3}?" asked {friend}. "The {food 3}!" said {hero}.
  {He} did not eat the {food 2}. {He} ate the {food 3} {any manner}.
  {He} ate the {food 3}, but {he} did not want the {food 2}.

  Then {he} was not hungry, but {he} was thirsty. {He} drank some {drink 2}.
  "Now I am thirsty," said {hero}. {His} {family} made some {drink 2}.
  {Friend} was thirsty, so {friend's he} drank some {drink 2} too.
  """,
  // A friend and a present.
  """
  {Friend} came to the {place}. "Hello, {hero}!" shouted {friend}.
  Soon {hero} met {friend}. {Friend} was a {size 3} {friend's boy}.
  Then {hero} saw {friend} with {friend's his} {family 2}.

  {Friend} had a {colour 5} {thing 2}. "This is for you," {friend's he} said.
  "Do you want that {thing 2}?" asked {friend}. "Yes, please!" answered {hero}.
  {Friend's he} gave {hero} a {quality 4} {colour 5} {thing 2}.

  The {thing 2} was not {colour 6} but {colour 5}. {Hero} was {any intensifier} {good feeling 2}.
  "Thanks! It is {any intensifier} {quality 4}," said {hero}.
  {He} took the {thing 2} home and {friend} went with {hero}.
  """,
  // The next day.
  """
  "Today is {weekday}," said {his} {family}. "Tomorrow is {next weekday}."
  "Is it {weekday} today?" asked {hero}. "Yes, and tomorrow is {next weekday}."

  "Can we go to the {place 3} tomorrow?" asked {hero}. "No, not on {next weekday}."
  "What will we do on {next weekday}?" asked {hero}. "We will go to the {place 3}!"
  {Hero} was never at the {place 3}. "Can we go there tomorrow?" {he} asked.
  """,
]

let endingLines = """
  Finally {hero} went home. {He} was {any intensifier} {good feeling}.
  {Hero} and {friend} {any motion} home. They were {good feeling}.
  "I am {any intensifier} {good feeling}!" {any speech} {hero}. {He} was not {bad feeling 2}.
  Then they went home. {Hero} was not {bad feeling 2} but {good feeling}.
  """

// MARK: - Reading the templates

struct GrammarError: Error {
  var message: String
}

/// The words of all categories by number, and the numbers by word.
struct Lexicon {
  private(set) var words: [String] = []
  private var numbers: [String: Int] = [:]

  init() throws {
    for (name, members) in categories {
      for word in members.unique {
        guard numbers.updateValue(words.count, forKey: word) == nil else {
          throw GrammarError(message: "'\(word)' of '\(name)' belongs to another category too")
        }
        words.append(word)
      }
    }
  }

  func contains(_ word: String) -> Bool { numbers[word] != nil }

  func number(of word: String) throws -> Int {
    guard let number = numbers[word] else {
      throw GrammarError(message: "'\(word)' belongs to no category")
    }
    return number
  }

  func numbers(of words: [String]) throws -> [Int] {
    try words.unique.map { try number(of: $0) }
  }
}

/// One place of a template: where its word comes from and how it is written.
struct Piece {
  enum Source {
    case word(Int)
    /// Drawn afresh at every mention.
    case any([Int])
    /// Drawn once per story and held by the slot of that number.
    case slot(Int)
  }
  var source: Source
  var isCapital: Bool
  var followsSpace: Bool
}

/// How a slot finds its word when a story first mentions it.
enum Slot {
  /// One of these words that no other slot of the story holds.
  case choice([Int])
  /// A word that follows from what the source slot holds.
  case relation(source: Int, words: [Int: [Int]])

  var possibleWords: [Int] {
    switch self {
    case .choice(let words): words
    case .relation(_, let words): words.values.flatMap { $0 }
    }
  }
}

typealias Template = [Piece]
typealias Scene = [[Template]]

/// The scenes as numbers: what the narrator walks.
struct Grammar {
  let lexicon: Lexicon
  private(set) var slots: [Slot] = []
  private(set) var openings: Scene = []
  private(set) var weather: Scene = []
  private(set) var middle: [Scene] = []
  private(set) var endings: Scene = []
  private var slotNumbers: [String: Int] = [:]

  init() throws {
    lexicon = try Lexicon()
    openings = try scene(openingLines)
    weather = try scene(weatherLines)
    middle = try middleScenes.map { try scene($0) }
    endings = try scene(endingLines)
  }

  private mutating func scene(_ text: String) throws -> Scene {
    var steps: Scene = [[]]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        steps.append([])
      } else {
        steps[steps.count - 1].append(try template(line))
      }
    }
    return steps
  }

  private mutating func template(_ line: Substring) throws -> Template {
    var pieces: Template = []
    var rest = " " + line
    while let first = rest.first {
      let followsSpace = first == " "
      if followsSpace { rest.removeFirst() }
      // A closing quote is one word with the mark before it, as it is one token.
      let text =
        switch rest.first {
        case "{": rest.prefix { $0 != "}" } + "}"
        case let letter? where letter.isLetter: rest.prefix(while: \.isLetter)
        default: rest.prefix { !$0.isLetter && $0 != "{" && $0 != " " }
        }
      rest.removeFirst(text.count)
      pieces.append(try piece(String(text), followsSpace: followsSpace))
    }
    return pieces
  }

  private mutating func piece(_ text: String, followsSpace: Bool) throws -> Piece {
    let name = text.first == "{" ? String(text.dropFirst().dropLast()) : text
    let isCapital = name.first?.isUppercase == true && !lexicon.contains(name)
    let plainName = isCapital ? name.prefix(1).lowercased() + name.dropFirst() : name
    let source: Piece.Source =
      if text.first != "{" {
        .word(try lexicon.number(of: plainName))
      } else if plainName.hasPrefix("any ") {
        .any(try pool(String(plainName.dropFirst(4))))
      } else {
        .slot(try slot(plainName))
      }
    return Piece(source: source, isCapital: isCapital, followsSpace: followsSpace)
  }

  private mutating func slot(_ name: String) throws -> Int {
    if let known = slotNumbers[name] { return known }
    let rule: Slot
    if let relation = relations.first(where: { $0.slot == name }) {
      var words: [Int: [Int]] = [:]
      for (word, related) in relation.words {
        words[try lexicon.number(of: word)] = try lexicon.numbers(of: related)
      }
      rule = .relation(source: try slot(relation.source), words: words)
    } else {
      rule = .choice(
        try pool(name.trimmingCharacters(in: CharacterSet(charactersIn: " 0123456789"))))
    }
    slots.append(rule)
    slotNumbers[name] = slots.count - 1
    return slots.count - 1
  }

  private func pool(_ name: String) throws -> [Int] {
    guard let words = pools[name] ?? categories.first(where: { $0.name == name })?.words else {
      throw GrammarError(message: "no category, pool or relation is called '\(name)'")
    }
    return try lexicon.numbers(of: words)
  }
}

// MARK: - Telling

/// SplitMix64 (Steele, Lea and Flood 2014), started from a seed and a story number.
struct Random {
  private var state: UInt64

  init(seed: UInt64, story: UInt64) {
    state = seed
    state = next() ^ story
    state = next()
  }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  mutating func below(_ count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }
}

/// Tells stories as lines of JSON, one after another.
struct Narrator {
  private let grammar: Grammar
  private let seed: UInt64
  private let plain: [[UInt8]]
  private let capital: [[UInt8]]
  private let article: Int
  private var story: UInt64 = 0
  private var random: Random
  private var held: [Int?]
  private var previous: Int?
  private(set) var text: [UInt8] = []

  init(grammar: Grammar, seed: UInt64) throws {
    self.grammar = grammar
    self.seed = seed
    let escaped = grammar.lexicon.words.map { $0.replacing("\"", with: "\\\"") }
    plain = escaped.map { Array($0.utf8) }
    capital = escaped.map { Array($0.capitalisedFirst.utf8) }
    article = try grammar.lexicon.number(of: "a")
    random = Random(seed: seed, story: 0)
    held = Array(repeating: nil, count: grammar.slots.count)
  }

  mutating func tellStory() {
    random = Random(seed: seed, story: story)
    story += 1
    for slot in held.indices { held[slot] = nil }
    previous = nil
    text += Array("{\"text\": \"".utf8)
    tell(grammar.openings)
    if random.below(3) > 0 { tell(grammar.weather) }
    let first = random.below(grammar.middle.count)
    tell(grammar.middle[first])
    // One story in three stops after one scene; no scene is told twice.
    if random.below(3) > 0 {
      let step = 1 + random.below(grammar.middle.count - 1)
      tell(grammar.middle[(first + step) % grammar.middle.count])
    }
    tell(grammar.endings)
    text += Array("\"}\n".utf8)
  }

  private mutating func tell(_ scene: Scene) {
    for step in scene {
      for piece in step[random.below(step.count)] { write(piece) }
    }
  }

  private mutating func write(_ piece: Piece) {
    let word =
      switch piece.source {
      case .word(let word): word
      case .any(let words): words[random.below(words.count)]
      case .slot(let slot): fill(slot)
      }
    let bytes = piece.isCapital ? capital[word] : plain[word]
    if previous == article, let first = bytes.first, Array("aeiou".utf8).contains(first) {
      text.append(UInt8(ascii: "n"))
    }
    if piece.followsSpace, previous != nil { text.append(UInt8(ascii: " ")) }
    text += bytes
    previous = word
  }

  private mutating func fill(_ slot: Int) -> Int {
    if let word = held[slot] { return word }
    let candidates: [Int]
    switch grammar.slots[slot] {
    case .choice(let words):
      candidates = words.filter { !held.contains($0) }
    case .relation(let source, let words):
      candidates = words[fill(source)] ?? []
    }
    let word = candidates[random.below(candidates.count)]
    held[slot] = word
    return word
  }
}

// MARK: - The category file

/// Every category with its words as the stories write them: `the` and, as sentences open so, `The`.
func categoryFile(_ grammar: Grammar) throws -> [UInt8] {
  var written: Set<String> = []
  let scenes = [grammar.openings, grammar.weather, grammar.endings] + grammar.middle
  for piece in scenes.joined().joined().joined() {
    let words =
      switch piece.source {
      case .word(let word): [word]
      case .any(let words): words
      case .slot(let slot): grammar.slots[slot].possibleWords
      }
    for word in words.map({ grammar.lexicon.words[$0] }) {
      written.insert(piece.isCapital ? word.capitalisedFirst : word)
      if word == "a" { written.insert(piece.isCapital ? "An" : "an") }
    }
  }
  let lines = try categories.map { name, words in
    let forms = words.unique.flatMap { [$0, $0.capitalisedFirst].unique.filter(written.contains) }
    let known = Set(forms.map { $0.lowercased() })
    if let unused = words.first(where: { !known.contains($0.lowercased()) }) {
      throw GrammarError(message: "no template writes '\(unused)' of '\(name)'")
    }
    let list = forms.map { "\"" + $0.replacing("\"", with: "\\\"") + "\"" }
    return "  \"\(name)\": [" + list.joined(separator: ", ") + "]"
  }
  return Array("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8)
}

extension Array where Element: Hashable {
  /// The elements in order of their first appearance.
  var unique: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}

extension String {
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}

// MARK: - The command line

struct UsageError: Error {
  var message: String
}

struct Options {
  enum Length {
    case stories(Int)
    case bytes(Int)
  }
  private(set) var output: String?
  private(set) var categories: String?
  private(set) var length: Length?
  private(set) var seed: UInt64 = 1

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let flag = rest.popFirst() {
      guard let value = rest.popFirst() else {
        throw UsageError(message: "'\(flag)' stands without a value")
      }
      switch flag {
      case "--output": output = value
      case "--categories": categories = value
      case "--seed":
        guard let number = UInt64(value) else {
          throw UsageError(message: "--seed wants a whole number, not '\(value)'")
        }
        seed = number
      case "--stories", "--megabytes":
        // The text is put together in memory.
        let bounds = flag == "--stories" ? 1...10_000_000 : 1...4000
        guard let number = Int(value), bounds.contains(number) else {
          throw UsageError(
            message: "\(flag) wants a number from \(bounds.lowerBound) to \(bounds.upperBound), "
              + "not '\(value)'")
        }
        guard length == nil else {
          throw UsageError(message: "--stories and --megabytes exclude each other")
        }
        length = flag == "--stories" ? .stories(number) : .bytes(number * 1_000_000)
      default: throw UsageError(message: "there is no flag '\(flag)'")
      }
    }
    guard output != nil || categories != nil else {
      throw UsageError(message: "--output or --categories must say where to write")
    }
    guard (output == nil) == (length == nil) else {
      throw UsageError(message: "--output and one of --stories and --megabytes go together")
    }
  }
}

struct WriteError: Error {
  var path: String
  var reason: String
}

func write(_ bytes: [UInt8], to path: String) throws {
  do {
    // A file of that name is complete or absent: atomic means a temporary sibling and a rename.
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw WriteError(path: path, reason: error.localizedDescription)
  }
}

func complain(_ text: String) {
  FileHandle.standardError.write(Data("\(text)\n".utf8))
}

func run() throws {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  let grammar = try Grammar()
  if let path = options.categories { try write(try categoryFile(grammar), to: path) }
  guard let path = options.output, let length = options.length else { return }
  var narrator = try Narrator(grammar: grammar, seed: options.seed)
  switch length {
  case .stories(let count): for _ in 0..<count { narrator.tellStory() }
  case .bytes(let count): while narrator.text.count < count { narrator.tellStory() }
  }
  try write(narrator.text, to: path)
}

do {
  try run()
} catch let error as UsageError {
  complain("error: \(error.message)")
  complain(
    "usage: stories --output PATH (--megabytes M | --stories N) [--seed S] [--categories PATH]")
  exit(2)
} catch let error as GrammarError {
  complain("error: the grammar contradicts itself: \(error.message)")
  exit(1)
} catch let error as WriteError {
  complain("error: cannot write \(error.path): \(error.reason)")
  exit(1)
}
