// The fight as it is seen. Python foretells the blows with the server's times (fight/timeline.py); this only plays them:
// it keeps the clock, moves the pictures, and never decides how a fight goes.
const H = 150, FEET = 128, HERO_W = 96, FOE_W = 80, CELL_H = 88, GROUND = 82;
const IDLE = 6, HIT0 = 6, HIT1 = 7, DEATH = 8, ATTACK = 6, ATTACKS = 5;
const STRIKE_MS = 150, FALL_MS = 520, LATE_MS = 700;
// Below FAST_MS between two blows their numbers have places, one above the other; no number goes before READ_MS.
const FAST_MS = 600, LABEL_MS = 1150, READ_MS = 300, GOLD_READ_MS = 450, PLACES = [70, 52, 34];
const LOW = "(max-height: 480px) and (orientation: landscape)";

const images = new Map();
function image(base, name) {
  const url = `${base}/${name}.png`;
  if (!images.has(url)) {
    const loading = new Image();
    loading.src = url;
    images.set(url, loading);
  }
  const found = images.get(url);
  return found.complete && found.naturalWidth ? found : null;
}

export default {
  template: `
    <div class="k-fight" :class="{ 'k-fight-idle': !fighting }">
      <div class="k-fight-head">
        <div class="k-fight-place">Stage <b data-testid="stage" ref="stage">–</b><span class="k-fight-sep">·</span>Wave <b data-testid="wave" ref="wave">–</b></div>
        <div class="k-fight-gold"><i class="k-coin"></i><b data-testid="gold" ref="gold">0</b></div>
      </div>
      <div class="k-fight-view" ref="view">
        <canvas ref="canvas" aria-hidden="true"></canvas>
        <div class="k-fight-foe">
          <div class="k-fight-name"><span ref="name">…</span><em ref="champion" hidden>Champion</em></div>
          <div class="k-hp" role="progressbar" aria-label="Health of the enemy" aria-valuemin="0" aria-valuemax="100" ref="bar">
            <i class="k-hp-ghost" ref="ghost"></i><i class="k-hp-fill" ref="fill"></i>
            <span class="k-hp-text"><span data-testid="enemy-hp" ref="hp">–</span> / <span ref="max">–</span></span>
          </div>
        </div>
        <div class="k-swift" ref="swift" hidden>Swift <b ref="swiftLeft"></b></div>
      </div>
      <ol class="k-path" ref="path" aria-label="Waves of this stage">
        <li v-for="n in 10" :key="n"><span>{{ n }}</span></li>
      </ol>
      <div class="k-stages" ref="stages" aria-hidden="true"><span v-for="n in 5" :key="n"></span></div>
    </div>`,
  props: { base: String, glyphs: Object, lastStage: Number },
  data: () => ({ fighting: false }),

  mounted() {
    Object.assign(this, {
      offset: null, queue: [], foe: null, shown: null, fall: null, floats: [], coins: [], sparks: [],
      struckAt: -1e9, hurtAt: -1e9, shakeAt: -1e9, cameAt: 0, interval: 1000, swiftInterval: 500, swiftUntil: 0, frame: 0,
    });
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.$refs.view);
    this.seen = () => {
      this.$emit("seen", !document.hidden);
      cancelAnimationFrame(this.frame);
      if (!document.hidden) this.frame = requestAnimationFrame(this.tick);
    };
    document.addEventListener("visibilitychange", this.seen);
    this.resize();
    image(this.base, "hero"); image(this.base, "coin");
    this.frame = requestAnimationFrame(this.tick);
  },
  unmounted() {
    cancelAnimationFrame(this.frame);
    document.removeEventListener("visibilitychange", this.seen);
    this.sizes.disconnect();
  },

  methods: {
    // ---- what Python says -------------------------------------------------------------------------------------
    show(news) {
      const offset = news.now - performance.now();
      // The message that travelled fastest knows best what time it is.
      if (this.offset === null || offset > this.offset || news.now < this.newest - 60000) this.offset = offset;
      this.newest = news.now;
      for (const blow of news.blows) if (blow[6]) this.fetch(blow[6][3]);
      if (news.more) {
        const last = this.queue.length ? this.queue[this.queue.length - 1].n : this.shown ? this.shown.n - 1 : -1;
        this.queue.push(...news.blows.map(unpack).filter((blow) => blow.n > last));
        return;
      }
      this.fighting = news.fighting;
      this.interval = news.interval;
      this.swiftInterval = news.swiftInterval;
      this.swiftUntil = news.swiftUntil;
      const blows = news.blows.map(unpack), now = this.now(), old = this.shown;
      const state = { key: news.key, n: news.n, kills: news.kills, foe: news.foe, hp: news.hp, text: news.text, gold: news.gold };
      // What has happened by now, and what has been shown of the future already, is not shown again.
      const isKnown = (blow) => blow.at <= now - 60 || (old && old.key === state.key && blow.n < old.n);
      for (const blow of blows) if (isKnown(blow)) advance(state, blow);
      if (old && old.key === state.key && old.kills === state.kills && old.n === state.n && old.hp < state.hp) {
        state.hp = old.hp;
        state.text = old.text;
      }
      this.settle(state, blows);
      this.paint();
    },
    // The pictures of an enemy that is to come, so that it is there when it comes.
    fetch(foe) { image(this.base, foe.sheet); image(this.base, foe.scene); },
    settle(state, blows) {
      const old = this.shown;
      if (!old || old.key !== state.key || old.kills !== state.kills) this.cameAt = performance.now();
      this.shown = state;
      this.queue = blows.filter((blow) => blow.n >= state.n);
    },

    // ---- time -------------------------------------------------------------------------------------------------
    now() { return performance.now() + (this.offset || 0); },
    // The time between two blows at present.
    pace() { return this.now() < this.swiftUntil ? this.swiftInterval : this.interval; },
    tick(time) {
      this.frame = requestAnimationFrame(this.tick);
      try {
        this.play(time);
        this.draw(time);
      } catch { /* the next picture may do better; a fight has no use for an error */ }
    },
    play(time) {
      if (!this.shown) return;
      const now = this.now();
      const lead = Math.min(STRIKE_MS, this.pace() * 0.45);
      if (this.queue.length && this.queue[0].at - now < lead && this.windup !== this.queue[0].n) {
        this.windup = this.queue[0].n;
        this.struckAt = time + (this.queue[0].at - now) - lead;
        this.lead = lead;
      }
      let isNews = false;
      while (this.queue.length && this.queue[0].at <= now) {
        const blow = this.queue.shift();
        if (now - blow.at < LATE_MS) this.effects(blow, time);
        advance(this.shown, blow);
        if (blow.kill && now - blow.at < LATE_MS) this.cameAt = time + FALL_MS * (this.pace() < 400 ? 0.35 : 0.8);
        else if (blow.kill) this.cameAt = time;
        isNews = true;
      }
      if (isNews) this.paint();
      const left = this.swiftUntil - now;
      const text = left > 0 ? (left / 1000).toFixed(1) + " s" : "";
      if (text !== this.swiftText) {
        this.swiftText = text;
        this.$refs.swift.hidden = !text;
        this.$refs.swiftLeft.textContent = text;
      }
    },
    effects(blow, time) {
      const x = this.center() + 42, calm = this.calm.matches, fast = this.pace() < FAST_MS;
      // Neither a picture that never stands still nor an enemy that is never to be seen for flashes.
      if (!fast || time - this.hurtAt > READ_MS) this.hurtAt = time;
      if (blow.crit && !calm && time - this.shakeAt > 2 * READ_MS) this.shakeAt = time;
      this.label(blow, time, x, calm, fast);
      if (!calm) for (let i = 0; i < (blow.crit ? 16 : 7); i++) {
        const a = (blow.n * 7 + i * 2.4) % 6.28, v = 30 + ((i * 53 + blow.n * 31) % 60);
        this.sparks.push({ x: x - 14, y: 92, vx: Math.cos(a) * v, vy: Math.sin(a) * v - 30, at: time, life: 420,
          color: blow.crit ? ["#fff6c2", "#ffd257", "#ff8b4a"][i % 3] : ["#ffffff", "#ffe9b0"][i % 2] });
      }
      if (!blow.kill) return;
      this.fall = { sheet: this.shown.foe.sheet, at: time };
      this.goldLabel(blow.kill, time);
      const count = calm || this.coins.length > 20 ? 0 : Math.min(10, (blow.kill.doubled ? 8 : 4) + (this.shown.foe.champion ? 2 : 0));
      for (let i = 0; i < count; i++)
        this.coins.push({ x: x - 6, y: 96, vx: (i - count / 2) * 13 + 4, vy: -95 - ((i * 29) % 40), at: time + i * 25, spin: i });
    },
    // A blow's number. Of slow blows they rise beside each other; of fast ones each takes the place of an older one, and
    // where nothing moves there is one place.
    label(blow, time, x, calm, fast) {
      const float = { text: blow.text + (blow.crit ? "!" : ""), x, y: 66, at: time, crit: blow.crit, life: LABEL_MS, rise: 34 };
      if (calm || fast) {
        float.place = calm ? 0 : blow.n % PLACES.length;
        const old = this.floats.find((f) => f.place === float.place);
        if (old && time - old.at < READ_MS - 20 && (old.crit || !blow.crit)) return;
        this.floats = this.floats.filter((f) => f.gold || (f !== old && "place" in f));
        float.rise = calm ? 0 : 3;
        if (fast) float.life = Math.max(READ_MS + 60, this.pace() * PLACES.length);
        if (!calm) float.y = PLACES[float.place];
      } else {
        const lane = [-1, 1, 0][blow.n % 3];
        float.x += lane * (blow.crit ? 5 + 6 * blow.text.length : 13);
        float.y -= (lane + 1) * 6;
      }
      this.floats.push(float);
    },
    // Gold is told over the hero, whose it is, where no number of a blow comes.
    goldLabel(kill, time) {
      const old = this.floats.filter((f) => f.gold).pop();
      if (old && time - old.at < GOLD_READ_MS && !(kill.doubled && !old.crit)) return;
      this.floats = this.floats.filter((f) => !f.gold || (this.pace() >= FAST_MS && time - f.at > GOLD_READ_MS));
      this.floats.push({ text: "+" + kill.gold, x: this.center() - 48, y: 52, at: time, gold: true, crit: kill.doubled,
        life: LABEL_MS, rise: this.calm.matches ? 0 : 16 });
    },

    // ---- words and bars ---------------------------------------------------------------------------------------
    paint() {
      const { foe, hp, text, gold } = this.shown, r = this.$refs;
      const put = (element, value) => { if (element.textContent !== value) element.textContent = value; };
      put(r.stage, String(foe.stage)); put(r.wave, String(foe.wave)); put(r.gold, gold);
      put(r.name, foe.name); put(r.hp, text); put(r.max, foe.max);
      r.champion.hidden = !foe.champion;
      if (this.barFoe !== this.shown.kills + this.shown.key) {
        // A new enemy's bar is full at once.
        this.barFoe = this.shown.kills + this.shown.key;
        r.ghost.style.transition = "none"; r.ghost.style.width = "100%"; void r.ghost.offsetWidth; r.ghost.style.transition = "";
      }
      r.fill.style.width = r.ghost.style.width = `${Math.max(hp * 100, 0.6)}%`;
      r.bar.setAttribute("aria-valuenow", Math.round(hp * 100));
      [...r.path.children].forEach((node, i) => {
        node.className = i + 1 < foe.wave ? "done" : i + 1 === foe.wave ? "here" : "";
        if (i + 1 === foe.wave) node.setAttribute("aria-current", "step"); else node.removeAttribute("aria-current");
      });
      // Five stages around this one; a phone shows three of them, without those that are far.
      const first = Math.max(1, Math.min(foe.stage - 2, this.lastStage - 4));
      const middle = Math.max(first + 1, Math.min(foe.stage, first + 3));
      [...r.stages.children].forEach((node, i) => {
        const stage = first + i;
        put(node, `${stage < foe.stage ? "✓ " : ""}Stage ${stage}`);
        node.className = `${stage < foe.stage ? "done" : stage === foe.stage ? "here" : ""} ${Math.abs(stage - middle) > 1 ? "far" : ""}`;
      });
    },

    // ---- pictures ---------------------------------------------------------------------------------------------
    resize() {
      const { view, canvas } = this.$refs;
      const width = view.clientWidth || 320;
      // On a phone that lies on its side there is no room for more than half as much again.
      const scale = window.matchMedia(LOW).matches ? 1.5 : width >= 700 ? 3 : width >= 340 ? 2 : width / 170;
      canvas.width = Math.min(400, Math.ceil(width / scale));
      canvas.height = H;
      canvas.style.width = `${Math.max(width, Math.ceil(canvas.width * scale))}px`;
      canvas.style.height = `${Math.round((Math.max(width, canvas.width * scale) / canvas.width) * H)}px`;
    },
    center() { return Math.round(this.$refs.canvas.width / 2) - 2; },
    draw(time) {
      const canvas = this.$refs.canvas, g = canvas.getContext("2d"), calm = this.calm.matches;
      if (!this.shown) return;
      const W = canvas.width, cx = this.center();
      g.imageSmoothingEnabled = false;
      g.setTransform(1, 0, 0, 1, 0, 0);
      const scene = image(this.base, this.shown.foe.scene) || this.lastScene;
      if (scene) { this.lastScene = scene; g.drawImage(scene, Math.round((400 - W) / 2), 0, W, H, 0, 0, W, H); }
      else { g.fillStyle = "#20243a"; g.fillRect(0, 0, W, H); }
      const shake = time - this.shakeAt;
      if (shake < 220 && !calm) g.translate(Math.round(Math.sin(shake / 16) * 3 * (1 - shake / 220)), 0);
      this.drawFoe(g, time, cx, calm);
      this.drawHero(g, time, cx, calm);
      this.drawBits(g, time, cx);
      this.drawWindup(g, cx);
      for (const f of this.floats) this.drawFloat(g, f, time, calm);
      this.floats = this.floats.filter((f) => time - f.at < f.life);
    },
    shadow(g, x, wide) {
      g.fillStyle = "rgba(10, 8, 24, 0.34)";
      g.beginPath(); g.ellipse(x, FEET + 1, wide, 4, 0, 0, 7); g.fill();
    },
    drawFoe(g, time, cx, calm) {
      const x = cx + 2, y = FEET - GROUND;
      if (this.fall) {
        const t = (time - this.fall.at) / FALL_MS, sheet = image(this.base, this.fall.sheet);
        if (t >= 1) this.fall = null;
        else if (sheet) {
          const frame = t < 0.12 ? HIT0 : t < 0.24 ? HIT1 : DEATH + Math.min(3, Math.floor((t - 0.24) * 5.3));
          g.globalAlpha = t > 0.85 ? (1 - t) / 0.15 : 1;
          g.drawImage(sheet, frame * FOE_W, 0, FOE_W, CELL_H, x + Math.round(calm ? 0 : t * 5), y, FOE_W, CELL_H);
          g.globalAlpha = 1;
        }
      }
      const since = time - this.cameAt, sheet = image(this.base, this.shown.foe.sheet);
      if (since < 0 || !sheet) return;
      const come = Math.min(1, since / 260), hurt = time - this.hurtAt;
      let frame = calm ? 0 : Math.floor(time / 150) % IDLE;
      if (hurt < 60 && since > 80) frame = HIT0; else if (hurt < 240 && since > 80) frame = HIT1;
      const back = !calm && hurt < 240 && since > 80 ? Math.round(6 * Math.exp(-hurt / 80)) : 0;
      const slide = calm ? 0 : Math.round((1 - come) * (1 - come) * 60);
      g.globalAlpha = come;
      this.shadow(g, x + 40 + slide, 25);
      g.drawImage(sheet, frame * FOE_W, 0, FOE_W, CELL_H, x + back + slide, y, FOE_W, CELL_H);
      g.globalAlpha = 1;
    },
    drawHero(g, time, cx, calm) {
      const sheet = image(this.base, "hero");
      if (!sheet) return;
      const lead = this.lead || STRIKE_MS, t = (time - this.struckAt) / (lead * 2);
      let frame = calm ? 0 : Math.floor(time / 170) % IDLE, reach = 0;
      if (t >= 0 && t < 1) {
        // The second of five pictures is the blow; it is reached in the middle, when the blow falls.
        frame = ATTACK + (t < 0.36 ? 0 : t < 0.48 ? 1 : t < 0.66 ? 2 : t < 0.84 ? 3 : 4);
        reach = calm ? 0 : t < 0.4 ? -5 * (t / 0.4) : 14 * Math.max(0, 1 - Math.abs(t - 0.56) / 0.42);
      }
      const x = cx - 80 + Math.round(reach);
      this.shadow(g, x + 32, 17);
      g.drawImage(sheet, frame * HERO_W, 0, HERO_W, CELL_H, x, FEET - GROUND, HERO_W, CELL_H);
    },
    // How far the hero has drawn back for the next blow, so that one who has just begun to fight is seen to fight.
    drawWindup(g, cx) {
      const pace = this.pace(), blow = this.queue[0];
      if (!this.fighting || !blow || pace < FAST_MS) return;
      const part = Math.max(0, Math.min(1, 1 - (blow.at - this.now()) / pace)), left = cx - 66;
      g.fillStyle = "rgba(23, 15, 34, 0.85)"; g.fillRect(left, FEET + 6, 36, 5);
      g.fillStyle = "#ffd257"; g.fillRect(left + 1, FEET + 7, Math.round(34 * part), 3);
    },
    drawBits(g, time, cx) {
      for (const s of this.sparks) {
        const t = (time - s.at) / 1000;
        g.fillStyle = s.color;
        const size = time - s.at < s.life / 2 ? 2 : 1;
        g.fillRect(Math.round(s.x + s.vx * t), Math.round(s.y + s.vy * t + 120 * t * t), size, size);
      }
      this.sparks = this.sparks.filter((s) => time - s.at < s.life);
      const sheet = image(this.base, "coin");
      for (const c of this.coins) {
        const t = (time - c.at) / 1000;
        if (t < 0 || !sheet) continue;
        let x = c.x + c.vx * Math.min(t, 0.9), y = Math.min(FEET - 8, c.y + c.vy * t + 260 * t * t);
        if (t > 0.9) { const k = Math.min(1, (t - 0.9) / 0.35); x += (cx - 58 - x) * k * k; y += (100 - y) * k * k; }
        const frame = Math.floor(time / 70 + c.spin) % 8;
        g.drawImage(sheet, frame * 16, 0, 16, 16, Math.round(x) - 8, Math.round(y) - 8, 16, 16);
      }
      this.coins = this.coins.filter((c) => time - c.at < 1240);
    },
    drawFloat(g, f, time, calm) {
      const t = (time - f.at) / f.life;
      if (t < 0 || t > 1) return;
      const isPlaced = "place" in f;
      const size = f.crit ? (t < 0.08 && !calm && !f.gold && !isPlaced ? 3 : 2) : f.text.length < 3 || f.gold ? 2 : 1;
      const color = f.gold ? "#ffd94a" : f.crit ? "#ff9d3c" : "#ffffff";
      g.globalAlpha = t > 0.7 ? (1 - t) / 0.3 : 1;
      this.write(g, f.text, f.x, f.y - f.rise * (1 - (1 - t) * (1 - t)), size, color);
      g.globalAlpha = 1;
    },
    write(g, text, x, y, size, color) {
      let wide = 0;
      const letters = [...String(text).toUpperCase()].map((letter) => {
        const isNarrow = ".,! ".includes(letter), at = wide - (isNarrow ? size : 0);
        wide += (isNarrow ? 4 : 6) * size;
        return [this.glyphs[letter] || this.glyphs[" "], at];
      });
      const W = this.$refs.canvas.width;
      const left = Math.max(2, Math.min(W - wide - 2, Math.round(x - wide / 2))), top = Math.max(2, Math.round(y));
      for (const [ink, grow] of [["#1a1226", 1], [color, 0]]) {
        g.fillStyle = ink;
        letters.forEach(([rows, at]) => rows.forEach((bits, row) => {
          for (let bit = 0; bit < 5; bit++) if (bits & (16 >> bit))
            g.fillRect(left + at + bit * size - grow, top + row * size - grow, size + 2 * grow, size + 2 * grow);
        }));
      }
    },
  },
};

// [time, number, damage, critical, share of health left, health left, (gold, doubled, gold owned, next enemy)]
function unpack([at, n, text, crit, hp, hpText, kill]) {
  return { at, n, text, crit: !!crit, hp, hpText,
    kill: kill ? { gold: kill[0], doubled: !!kill[1], owned: kill[2], next: kill[3] } : null };
}

function advance(state, blow) {
  state.n = blow.n + 1;
  if (!blow.kill) { state.hp = blow.hp; state.text = blow.hpText; return; }
  state.kills += 1;
  state.foe = blow.kill.next; state.hp = 1; state.text = blow.kill.next.max; state.gold = blow.kill.owned;
}
