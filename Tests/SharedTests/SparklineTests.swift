import Shared
import Testing

@Suite("A curve in one word")
struct SparklineTests {
  @Test(
    "Higher values have higher blocks",
    arguments: [
      ([], ""), ([3], "▅"), ([2, 2], "▅▅"), ([0, 1], "▁█"), ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
      ([.nan, -1, .infinity, 1], "▁█"), ([-1.7e308, 1.7e308], "▅▅"),
    ] as [([Double], String)])
  func blocks(values: [Double], text: String) {
    #expect(Sparkline.text(values) == text)
  }

  @Test("A bad start does not flatten the rest")
  func floor() {
    #expect(Sparkline.text([-100, 0.2, 0.8], floor: 0) == "▁▃█")
  }
}
