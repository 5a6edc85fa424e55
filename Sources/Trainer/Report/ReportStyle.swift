// How the report looks: one style sheet for light and dark, screens and paper.

enum ReportStyle {
  /// The lines of a chart that have a color of their own, `s0` and on.
  static let colors = 8

  static let sheet = """
    :root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d1f23;--soft:#666c75;
    --line:#e3e4e6;--mark:30 104 196;--s0:#1e68c4;--s1:#c2571a;--s2:#2b8a57;--s3:#8a56ac;
    --s4:#0b7f91;--s5:#b8326e;--s6:#837208;--s7:#5f6b7a}
    @media(prefers-color-scheme:dark){:root{--page:#15171a;--card:#1d2024;--ink:#e4e6e9;
    --soft:#9aa1ab;--line:#31353b;--mark:96 165 250;--s0:#60a5fa;--s1:#f0955a;--s2:#5cc48d;--s3:#c79be6;
    --s4:#45c1d3;--s5:#f07aab;--s6:#d2bd45;--s7:#a5b1c2}}
    .s0{color:var(--s0)}.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}
    .s4{color:var(--s4)}.s5{color:var(--s5)}.s6{color:var(--s6)}.s7{color:var(--s7)}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:1120px;padding:40px 24px 64px;background:var(--page);color:var(--ink);
    font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    h1{font-size:32px;line-height:1.2;margin:0 0 10px;font-weight:650;letter-spacing:-.01em;
    overflow-wrap:anywhere}
    h2{font-size:20px;margin:0 0 12px;font-weight:620}
    section{margin-top:40px}
    p{margin:0}
    small{color:var(--soft);font-size:12.5px;font-weight:400}
    code,.plain th,.plain td{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
    .kind{color:var(--soft);font-size:13px;margin-bottom:4px}
    .facts{display:flex;flex-wrap:wrap;gap:6px}
    .facts span,.label{background:rgb(var(--mark)/.1);color:var(--ink);border-radius:5px;padding:2px 9px;
    font-size:13.5px;overflow-wrap:anywhere}
    .note{color:var(--soft);font-size:14px;margin:8px 0 14px;max-width:75ch}
    .cards{display:grid;grid-template-columns:repeat(4,1fr);gap:12px}
    .card,figure,article{background:var(--card);border:1px solid var(--line);border-radius:8px}
    .card{padding:14px 16px;display:flex;flex-direction:column}
    .card p{color:var(--soft);font-size:13.5px}
    .card strong{font-size:26px;font-weight:620;line-height:1.35;font-variant-numeric:tabular-nums}
    .charts{display:grid;grid-template-columns:repeat(2,1fr);gap:12px}
    figure{margin:0;padding:14px 16px 8px;min-width:0}
    figcaption{font-weight:600}
    figcaption small{margin-left:8px}
    svg{display:block;width:100%;height:auto;margin-top:6px}
    .grid{stroke:var(--line)}
    .tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
    .end{text-anchor:end}.middle{text-anchor:middle}
    .line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
    .line.s1,.line.s2,.line.s3{stroke-dasharray:6 4}
    .line.s4,.line.s5,.line.s6,.line.s7{stroke-dasharray:2 3}.line.again{stroke-dasharray:9 3 2 3}
    .dot{fill:transparent}.dot:hover{fill:currentColor}
    .point{fill:var(--soft);opacity:.6}.point.front{fill:var(--s0);opacity:1}
    .mark{fill:var(--soft);font-size:12px}.mark.front{fill:var(--ink)}
    .plot{overflow-x:auto}.plot svg{min-width:640px}
    figure+figure{margin-top:12px}.charts figure{margin:0}a{color:var(--s0)}td a{white-space:nowrap}
    rect.bar{fill:var(--s0);opacity:.85}rect.bar:hover{opacity:1}
    .legend{display:flex;flex-wrap:wrap;gap:0 14px;font-size:13px;color:var(--soft);margin-top:4px}
    .legend i{display:inline-block;width:14px;height:3px;border-radius:2px;margin-right:6px;vertical-align:4px;
    background:currentColor}
    .legend .s4,.legend .s5,.legend .s6,.legend .s7{
    background:repeating-linear-gradient(90deg,currentColor 0 2px,transparent 2px 4px)}
    .legend .again{background:repeating-linear-gradient(90deg,currentColor 0 6px,transparent 6px 8px,
    currentColor 8px 10px,transparent 10px 12px)}
    .scroll{overflow-x:auto}
    table{border-collapse:collapse;width:100%}
    th{text-align:left;font-weight:500}
    thead th{color:var(--soft);font-size:13px;font-weight:400}
    th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
    .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
    .track{display:block;width:180px;height:8px;margin-top:8px;border-radius:4px;background:var(--line)}
    .track i{display:block;height:8px;border-radius:4px;background:var(--s0)}
    article{padding:14px 16px 6px;margin-bottom:12px}
    h3{font-size:16px;margin:0 0 6px;font-weight:620;display:flex;flex-wrap:wrap;gap:4px 10px;
    align-items:baseline}
    .label{font-weight:500}
    ol{list-style:none;margin:0;padding:0}
    li{display:grid;grid-template-columns:58px 1fr auto;gap:0 12px;padding:7px 0;border-top:1px solid var(--line)}
    li b{font-weight:500;color:var(--soft);text-align:right;font-variant-numeric:tabular-nums;font-size:14px}
    li small{white-space:nowrap;line-height:1.9}
    q{quotes:none;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
    q span,q mark{background:rgb(var(--mark)/calc(var(--a)*.5));color:inherit;border-radius:3px;
    padding:1px 0;unicode-bidi:isolate}
    q mark{font-weight:650;box-shadow:inset 0 -2px rgb(var(--mark))}
    .two{display:grid;grid-template-columns:3fr 2fr;gap:32px}
    .two>div{min-width:0}
    .plain td{overflow-wrap:anywhere}
    @media(max-width:760px){.cards{grid-template-columns:repeat(2,1fr)}.charts,.two{grid-template-columns:1fr}
    li{grid-template-columns:48px 1fr}li small{grid-column:2}.track{width:70px}}
    @media print{body{max-width:none;padding:0}article,figure,.card{break-inside:avoid}}
    """
}
