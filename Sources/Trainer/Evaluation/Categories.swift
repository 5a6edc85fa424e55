// How well single latents name given categories of tokens. Comes in: a JSON file {category:
// [words]}, and the latents that fire on every row. Leaves: per category the latent with the best
// F1 between "the latent is active" and "the token belongs to the category".

import Shared

/// Why a file of categories cannot be used.
package enum CategoriesError: Failure, Equatable {
  case notJSON(path: String)
  case notCategories(path: String)
  case notWords(path: String, category: String)

  package var sentence: String {
    switch self {
    case .notJSON(let path): "\(path) is not JSON."
    case .notCategories(let path): "\(path) is not an object of categories."
    case .notWords(let path, let category):
      "\(path): the category \"\(category)\" is not a list of words."
    }
  }

  package var hint: String? {
    "Write evaluate.categories as {\"color\": [\"red\", \"blue\"], \"animal\": [\"dog\"]}."
  }
}

/// The words of every category, in the order of the categories' names.
package struct CategoryWords: Sendable, Equatable {
  package struct Category: Sendable, Equatable {
    package let name: String
    package let words: [String]

    package init(_ name: String, _ words: [String]) {
      self.name = name
      self.words = words
    }
  }

  package let categories: [Category]
  /// Of the file, so that a run can be told from one with other categories.
  package let sha256: String

  /// Reads a file of categories.
  package static func read(_ path: String) throws -> CategoryWords {
    try CategoryWords(parsing: MappedFile.contents(path), path: path)
  }

  /// Reads the text of a file that `path` names.
  init(parsing bytes: [UInt8], path: String) throws {
    guard let json = try? JSON(parsing: bytes, as: .json5) else {
      throw CategoriesError.notJSON(path: path)
    }
    guard let members = json.object, !members.isEmpty else {
      throw CategoriesError.notCategories(path: path)
    }
    categories = try members.sorted { $0.key < $1.key }.map { name, value in
      let words = value.array?.compactMap(\.string) ?? []
      guard !words.isEmpty, words.count == value.array?.count else {
        throw CategoriesError.notWords(path: path, category: name)
      }
      return Category(name, words)
    }
    var digest = Digest()
    digest.update(bytes.span.raw)
    sha256 = digest.finish()
  }

  package init(categories: [Category], sha256: String) {
    self.categories = categories
    self.sha256 = sha256
  }
}

/// The tokens of every category: those that are a word by themselves.
package struct CategoryTokens: Sendable, Equatable {
  package struct Category: Sendable, Equatable {
    package let name: String
    package let words: [String]
    package let tokens: Set<UInt32>
    /// Words of which no spelling is a single token; their tokens carry no label.
    package let skippedWords: [String]
  }

  package let categories: [Category]
  private let categoriesOfToken: [UInt32: [Int]]

  /// Encodes each word as given, bare, and after a space, and keeps what gives a single token.
  package init(_ words: CategoryWords, encode: (String) -> [UInt32]) {
    categories = words.categories.map { category in
      var tokens: Set<UInt32> = []
      var skipped: [String] = []
      for word in category.words {
        let bare = String(word.drop { $0 == " " })
        let single = [word, bare, " " + bare].map(encode).filter { $0.count == 1 }.flatMap { $0 }
        tokens.formUnion(single)
        if single.isEmpty { skipped.append(word) }
      }
      return Category(
        name: category.name, words: category.words, tokens: tokens, skippedWords: skipped)
    }
    var index: [UInt32: [Int]] = [:]
    for (position, category) in categories.enumerated() {
      for token in category.tokens { index[token, default: []].append(position) }
    }
    categoriesOfToken = index
  }

  /// The categories that a token belongs to; mostly none or one.
  package func categories(of token: UInt32) -> [Int] { categoriesOfToken[token] ?? [] }
}

/// How well "active" predicts "in the category".
package struct CategoryScore: Sendable, Equatable {
  package let latent: Int
  package let precision: Double
  package let recall: Double

  package init(latent: Int, precision: Double, recall: Double) {
    self.latent = latent
    self.precision = precision
    self.recall = recall
  }

  /// The harmonic mean of precision and recall; 0 where the latent never hits.
  package var f1: Double {
    precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
  }
}

/// Counts, for every latent and category, the rows on which both hold.
package struct CategoryCounts: Sendable {
  package let tokens: CategoryTokens
  private let latentCount: Int
  /// `[categories, latents]`, row-major.
  private var hits: [Int32]
  /// The rows of each category.
  package private(set) var support: [Int]

  package init(tokens: CategoryTokens, latentCount: Int) {
    self.tokens = tokens
    self.latentCount = latentCount
    hits = [Int32](repeating: 0, count: tokens.categories.count * latentCount)
    support = [Int](repeating: 0, count: tokens.categories.count)
  }

  /// Bytes that the table of so many latents and categories takes.
  static func byteCount(latentCount: Int, categories: Int) -> Int {
    categories * (latentCount * MemoryLayout<Int32>.stride + MemoryLayout<Int>.stride)
  }

  /// Counts one row: its token, and the latents that are active on it.
  package mutating func add(token: UInt32, active latents: Span<Int32>) {
    for category in tokens.categories(of: token) {
      support[category] += 1
      let base = category * latentCount
      for index in latents.indices { hits[base + Int(latents[index])] += 1 }
    }
  }

  /// The score of one latent for one category; `fires` is the number of rows it is active on.
  package func score(latent: Int, category: Int, fires: Int) -> CategoryScore {
    let hits = Double(hits[category * latentCount + latent])
    return CategoryScore(
      latent: latent, precision: fires > 0 ? hits / Double(fires) : 0,
      recall: support[category] > 0 ? hits / Double(support[category]) : 0)
  }

  /// The latent with the highest F1, the first of equals; nil where no latent ever hits.
  package func best(category: Int, fires: [Int]) -> CategoryScore? {
    var best: CategoryScore?
    for latent in 0..<latentCount {
      let score = score(latent: latent, category: category, fires: fires[latent])
      if score.f1 > best?.f1 ?? 0 { best = score }
    }
    return best
  }
}

/// What the evaluation says about one category.
package struct CategoryResult: Sendable, Equatable {
  package let name: String
  /// As the file gives them: a run does not depend on that file.
  package let words: [String]
  /// Different tokens in the category.
  package let tokenCount: Int
  package let skippedWords: [String]
  /// Rows whose token is in the category.
  package let rows: Int
  package let best: CategoryScore?

  package init(
    name: String, words: [String], tokenCount: Int, skippedWords: [String], rows: Int,
    best: CategoryScore?
  ) {
    self.name = name
    self.words = words
    self.tokenCount = tokenCount
    self.skippedWords = skippedWords
    self.rows = rows
    self.best = best
  }
}

extension CategoryCounts {
  /// The results in the order of the categories.
  package func results(fires: [Int]) -> [CategoryResult] {
    tokens.categories.enumerated().map { index, category in
      CategoryResult(
        name: category.name, words: category.words, tokenCount: category.tokens.count,
        skippedWords: category.skippedWords, rows: support[index],
        best: best(category: index, fires: fires))
    }
  }
}

// MARK: - JSON

extension CategoryResult {
  var json: JSON {
    var members: [String: JSON] = [
      "name": .string(name), "words": .array(words.map { .string($0) }),
      "tokens": .integer(tokenCount), "rows": .integer(rows),
      "skipped_words": .array(skippedWords.map { .string($0) }),
    ]
    if let best {
      members["best_latent"] = .integer(best.latent)
      members["precision"] = .number(best.precision)
      members["recall"] = .number(best.recall)
      members["f1"] = .number(best.f1)
    }
    return .object(members)
  }

  init?(_ json: JSON) {
    guard let name = json["name"]?.string, let tokens = json["tokens"]?.integer,
      let rows = json["rows"]?.integer
    else { return nil }
    var best: CategoryScore?
    if let latent = json["best_latent"]?.integer, let precision = json["precision"]?.double,
      let recall = json["recall"]?.double
    {
      best = CategoryScore(latent: latent, precision: precision, recall: recall)
    }
    self.init(
      name: name, words: json["words"]?.array?.compactMap(\.string) ?? [], tokenCount: tokens,
      skippedWords: json["skipped_words"]?.array?.compactMap(\.string) ?? [], rows: rows,
      best: best)
  }
}
