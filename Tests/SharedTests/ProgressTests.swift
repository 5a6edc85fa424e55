import Shared
import Support
import Testing

@Suite("Progress")
struct ProgressTests {
  private func progress(_ record: RecordedTerminal, mode: Progress.Mode = .automatic) -> Progress {
    Progress(
      stage: "cache", unit: "tokens", total: 2_000_000, parts: 40, mode: mode,
      terminal: record.terminal)
  }

  /// 12 of 40 shards, 1.2 M of 2 M tokens in 40 s.
  private func work(_ progress: Progress, _ record: RecordedTerminal) {
    for _ in 0..<12 { progress.finishPart() }
    record.pass(seconds: 40)
    progress.advance(1_200_000)
  }

  @Test("A terminal gets one live line, and at the end a lasting one")
  func liveLine() {
    let record = RecordedTerminal(isInteractive: true, columns: 82)
    let progress = progress(record)
    work(progress, record)
    record.pass(seconds: 10)
    #expect(progress.finish() == 24_000)
    #expect(
      record.writes == [
        "\rcache  \(bar(10, 7))  12/40 shards  1.2 M tokens  30.0 k tokens/s  00:27 left\u{1B}[K",
        "\r\u{1B}[Kcache: 1.2 M tokens in 50 s, 24.0 k tokens/s\n",
      ])
  }

  @Test(
    "What does not fit is left out",
    arguments: [
      (140, "cache  \(bar(18, 12))  12/40 shards  1.2 M tokens  30.0 k tokens/s  00:27 left"),
      (73, "cache  \(bar(4, 4))  12/40 shards  1.2 M tokens  30.0 k tokens/s  00:27 left"),
      (72, "cache  \(bar(12, 9))  12/40 shards  30.0 k tokens/s  00:27 left"),
      (58, "cache  12/40 shards  30.0 k tokens/s  00:27 left"),
      (48, "cache  12/40 shards  00:27 left"),
      (30, "cache  12/40 shards"),
      (8, "cache"), (4, "cac"),
    ])
  func widths(columns: Int, line: String) {
    let record = RecordedTerminal(isInteractive: true, columns: columns)
    let progress = progress(record)
    work(progress, record)
    #expect(record.writes == ["\r\(line)\u{1B}[K"])
    progress.finish()
  }

  @Test("The live line is drawn at most ten times a second")
  func drawingRate() {
    let record = RecordedTerminal(isInteractive: true)
    let progress = progress(record)
    for _ in 0..<1000 {
      record.pass(seconds: 0.0011)
      progress.advance(10)
    }
    #expect(record.writes.count == 10)
    progress.finish()
  }

  @Test(
    "Without a terminal there are plain lines after 10, 20, 40 … seconds, then every ten minutes")
  func distances() {
    let record = RecordedTerminal(isInteractive: false)
    let progress = Progress(
      stage: "train", unit: "steps", total: 1_000_000, terminal: record.terminal)
    for _ in 0..<4000 {
      record.pass(seconds: 1)
      progress.advance(1)
    }
    #expect(
      record.writes.map { $0.split(separator: ", ")[1] }
        == [10, 20, 40, 80, 160, 320, 640, 1240, 1840, 2440, 3040, 3640].map {
          "\(Readable.count($0)) steps"
        })
    progress.finish()
  }

  @Test("The first lines without a terminal")
  func plainLines() {
    let record = RecordedTerminal(isInteractive: false)
    let progress = progress(record)
    for _ in 0..<25 {
      record.pass(seconds: 1)
      progress.advance(1000)
    }
    progress.finish()
    #expect(
      record.writes == [
        "cache: 0/40 shards, 10.0 k tokens, 1.0 k tokens/s, 33:10 left\n",
        "cache: 0/40 shards, 20.0 k tokens, 1.0 k tokens/s, 33:00 left\n",
        "cache: 25.0 k tokens in 25 s, 1.0 k tokens/s\n",
      ])
  }

  @Test("Quiet means nothing, and the speed is measured all the same")
  func quiet() {
    let record = RecordedTerminal(isInteractive: true)
    let progress = progress(record, mode: .quiet)
    work(progress, record)
    progress.note("a note")
    #expect(progress.finish() == 30_000)
    #expect(record.writes.isEmpty)
  }

  @Test("Work that was there before counts as done but not for the speed")
  func skipped() {
    let record = RecordedTerminal(isInteractive: false)
    let progress = Progress(stage: "train", total: 1000, terminal: record.terminal)
    progress.skip(500)
    record.pass(seconds: 10)
    progress.advance(250)
    #expect(progress.finish() == 25)
    #expect(
      record.writes == [
        "train: 75.0 %, 750 tokens, 25 tokens/s, 00:10 left\n",
        "train: 250 tokens in 10 s, 25 tokens/s\n",
      ])
  }

  @Test("The time left follows a change of speed")
  func changingSpeed() {
    let record = RecordedTerminal(isInteractive: false)
    let progress = Progress(stage: "train", total: 100_000, terminal: record.terminal)
    for speed in [100, 1000, 1000, 1000, 1000, 1000, 1000, 1000] {
      record.pass(seconds: 10)
      progress.advance(10 * speed)
    }
    #expect(
      record.writes.last == "train: 71.0 %, 71.0 k tokens, 998 tokens/s, 00:29 left\n")
    progress.finish()
  }

  @Test("A stage that ends with an error leaves an empty line behind")
  func abandoned() {
    let record = RecordedTerminal(isInteractive: true, columns: 30)
    do {
      let progress = progress(record)
      work(progress, record)
    }
    #expect(record.writes == ["\rcache  12/40 shards\u{1B}[K", "\r\u{1B}[K"])
  }

  @Test(
    "What a stage says of itself stands in the place of shares, the most important longest",
    arguments: [
      (
        160,
        "train  \(bar(18, 12))  824/2000 steps  explained variance 0.9312  L0 32.0  "
          + "dead latents 12  loss 3.214  30.0 k tokens/s  00:27 left"
      ),
      (
        120,
        "train  824/2000 steps  explained variance 0.9312  L0 32.0  dead latents 12  loss 3.214  "
          + "30.0 k tokens/s  00:27 left"
      ),
      (
        80,
        "train  824/2000  EV 0.931  L0 32.0  dead 12  loss 3.214  30.0 k/s  00:27 left"
      ),
      (70, "train  824/2000  EV 0.931  L0 32.0  dead 12  loss 3.214  00:27 left"),
      (60, "train  824/2000  EV 0.931  L0 32.0  loss 3.214  00:27 left"),
      (40, "train  824/2000  EV 0.931  00:27 left"), (20, "train  824/2000"), (5, "trai"),
    ])
  func ownFacts(columns: Int, line: String) {
    let record = RecordedTerminal(isInteractive: true, columns: columns)
    show(ProgressTests.trained, on: record)
    #expect(record.writes == ["\r\(line)\u{1B}[K", "\r\u{1B}[K"])
  }

  private static let trained = [
    ProgressFact("824/2000 steps", short: "824/2000", rank: 0),
    ProgressFact("explained variance 0.9312", short: "EV 0.931", rank: 2),
    ProgressFact("L0 32.0", rank: 3), ProgressFact("dead latents 12", short: "dead 12", rank: 5),
    ProgressFact("loss 3.214", rank: 4),
  ]

  private func show(_ facts: [ProgressFact], on record: RecordedTerminal) {
    let progress = Progress(stage: "train", total: 2_000_000, terminal: record.terminal)
    record.pass(seconds: 40)
    progress.advance(1_200_000) { facts }
  }

  @Test("What a stage says of itself is whole in a file")
  func ownFactsPlain() {
    let record = RecordedTerminal(isInteractive: false)
    show(ProgressTests.trained, on: record)
    #expect(
      record.writes == [
        "train: 824/2000 steps, explained variance 0.9312, L0 32.0, dead latents 12, loss 3.214, "
          + "30.0 k tokens/s, 00:27 left\n"
      ])
  }

  @Test("Nothing done is nothing said")
  func nothingDone() {
    let record = RecordedTerminal(isInteractive: true)
    progress(record).finish()
    #expect(record.writes.isEmpty)
  }
}

private func bar(_ filled: Int, _ empty: Int) -> String {
  String(repeating: "█", count: filled) + String(repeating: "░", count: empty)
}
