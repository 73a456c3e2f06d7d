"""CSS of maps, galleries, reports and lists of facts."""

PARTS = """<style>
[class*="st-key-tiles-"] {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 1rem .75rem;
  align-items: stretch;
}
[class*="st-key-tiles-"] > div { width: auto; min-width: 0; }
[class*="st-key-tile-"] { flex: 1; min-width: 0; justify-content: space-between; }
.named { margin: .35rem 0 0; font-size: .8rem; line-height: 1.4; overflow-wrap: anywhere; }
.part { font-size: 1.1rem; font-weight: 620; margin: 1.25rem 0 0; padding: 0 0 .2rem; }
.small { font-size: .85rem; line-height: 1.5; margin: 0; }
.legend {
  list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1rem; font-size: .8rem;
  padding: 0 !important; margin: 0 0 .6rem !important;
}
.legend li { display: flex; align-items: center; gap: .4rem; margin: 0; overflow-wrap: anywhere; }
.legend i { width: .7rem; height: .7rem; border-radius: 50%; flex: none; }
.legend .ramp {
  width: 8rem; border-radius: .35rem;
  background: linear-gradient(90deg, #440154, #3b528b, #21918c, #5ec962, #fde725);
}
.legend .bare { background: #8a8f9855; }
.chart { width: 100%; }
.work { width: 100%; }
.work p { margin: 0 0 .35rem; font-size: .9rem; }
.bar {
  height: .4rem; border-radius: .2rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 12%, transparent);
}
.bar i { display: block; height: 100%; border-radius: .2rem; background: #3b76d4; }
.bar.vague i { width: 30%; animation: pass 1s linear infinite; }
@keyframes pass { from { margin-left: -30%; } to { margin-left: 100%; } }
dl.facts {
  display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0 !important;
  padding: 0 !important;
  font-size: .9rem; line-height: 1.5;
}
dl.facts dt { opacity: .65; font-weight: 400; }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.tally { display: flex; flex-wrap: wrap; gap: .5rem 2.25rem; margin: 0; }
.tally span { opacity: .8; font-size: .9rem; }
.tally b { display: block; font-size: 1.5rem; font-weight: 620; line-height: 1.3; }
.case {
  display: grid; grid-template-columns: 132px 1fr; gap: 1.25rem; padding: .9rem 0;
  border-top: 1px solid color-mix(in srgb, currentColor 12%, transparent);
}
.found { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: .75rem; }
.shot { margin: 0; font-size: .78rem; line-height: 1.4; overflow-wrap: anywhere; }
.shot figcaption { margin-top: .3rem; }
.shot.right .mat { border: 2px solid #3a9b6f; }
.shot.wrong .mat { border: 2px solid #e5484d; }
#vg-tooltip-element img {
  display: block; width: 112px; height: 112px; object-fit: contain; image-rendering: pixelated;
}
@media (max-width: 40rem) {
  .case { grid-template-columns: 1fr; gap: .75rem; }
  .case > .shot { max-width: 8.5rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .4rem; }
}
</style>"""
