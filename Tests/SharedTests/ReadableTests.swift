import Shared
import Testing

@Suite("Readable numbers")
struct ReadableTests {
  @Test(
    "Counts have one decimal and a prefix",
    arguments: [
      (0, "0"), (950, "950"), (999, "999"), (1000, "1.0 k"), (34_512, "34.5 k"), (99_949, "99.9 k"),
      (99_950, "100 k"), (999_499, "999 k"), (999_500, "1.0 M"), (1_234_567, "1.2 M"),
      (2_000_000_000, "2.0 G"), (-1500, "-1.5 k"),
    ])
  func counts(value: Int, text: String) { #expect(Readable.count(value) == text) }

  @Test("A speed below a thousand has no decimals")
  func slowSpeed() {
    #expect(Readable.count(12.4) == "12")
    #expect(Readable.count(Double.infinity) == "?")
  }

  @Test(
    "Bytes are counted in thousands",
    arguments: [(12, "12 B"), (64_000_000, "64.0 MB"), (512_000_000, "512 MB"), (2_048, "2.0 kB")])
  func bytes(value: Int, text: String) { #expect(Readable.bytes(value) == text) }

  @Test(
    "Durations name two units at most",
    arguments: [
      (0.04, "0.0 s"), (1.26, "1.3 s"), (9.96, "10 s"), (41, "41 s"), (59.6, "1 min 00 s"),
      (185, "3 min 05 s"), (3725, "1 h 02 min"), (183_600, "2 d 03 h"), (.infinity, "?"),
    ])
  func durations(seconds: Double, text: String) {
    #expect(Readable.duration(seconds: seconds) == text)
  }

  @Test(
    "A clock shows hours only where there are any",
    arguments: [(41, "00:41"), (725, "12:05"), (3723, "1:02:03"), (.infinity, "--:--")])
  func clocks(seconds: Double, text: String) { #expect(Readable.clock(seconds: seconds) == text) }

  @Test(
    "Figures have four significant digits",
    arguments: [
      (0, "0"), (0.93124, "0.9312"), (18.4249, "18.42"), (1234.5, "1234"), (0.0123, "0.01230"),
      (1.23e-5, "1.230e-05"), (3e-4, "3.000e-04"), (2.5e7, "2.500e+07"), (-0.5, "-0.5000"),
      (.nan, "–"),
    ])
  func figures(value: Double, text: String) { #expect(Readable.figure(value) == text) }

  @Test("Shares are given in per cent")
  func percents() {
    #expect(Readable.percent(0.9337) == "93.4 %")
    #expect(Readable.percent(.nan) == "–")
  }
}
