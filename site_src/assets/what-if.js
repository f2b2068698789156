// An estimate for any model, storage type, depth and bandwidth: computed as in generator/what_if.py.
"use strict";
(() => {
  const form = document.getElementById("what-if-form"), fields = form.elements;
  const part = (name) => document.getElementById(`what-if-${name}`);
  const sizes = [...form.querySelectorAll("[data-size]")];
  const text = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 3 });

  const estimate = (data, { model: m, dtype, bits, depth, device, bandwidth, memory }) => {
    const width = data.widths[dtype], known = data.devices[device];
    const [ofWeights, ofCache] = width ? [width, width] : [bits / 8, 2];
    const q = m.num_attention_heads * m.head_dim, kv = m.num_key_value_heads * m.head_dim;
    const layer = m.hidden_size * (2 * q + 2 * kv + 3 * m.intermediate_size + 2) + (m.attention_bias ? q + 2 * kv : 0);
    const head = m.vocab_size * m.hidden_size;
    const read = m.num_hidden_layers * layer + m.hidden_size + head;
    const cache = ofCache * depth * 2 * m.num_hidden_layers * kv;
    const bytes = ofWeights * (read + m.hidden_size) + cache;
    const gbPerS = known?.gb_per_s ?? +bandwidth;
    return {
      bytes, cache, gbPerS, roofline: gbPerS * 1e9 / bytes, memory: known ? known.memory_gb : +memory,
      weights: ofWeights * (read + (m.tie_word_embeddings ? 0 : head)),
      basis: known?.bases[dtype] ?? known?.bases.any ?? data.all,
    };
  };

  const line = (...parts) => {
    const item = document.createElement("li");
    item.append(...parts);
    return item;
  };
  const end = ({ run, name, mbu_percent }) => {
    const link = document.createElement("a");
    link.href = new URL(`rows/${run}/`, board.root);
    link.textContent = `${text(mbu_percent)} %, ${name}`;
    return link;
  };
  const show = (data) => {
    for (const [by, typed] of [["dtype", "bits"], ["device", "bandwidth"], ["device", "memory"]]) fields[typed].disabled = fields[by].value !== "typed";
    if (fields.model.value === "typed") form.querySelector("details").open = true;
    const right = form.checkValidity();
    part("wrong").hidden = right;
    part("result").hidden = !right;
    if (!right) return;
    const model = Object.fromEntries(sizes.map((field) => [field.name, field.type === "checkbox" ? field.checked : +field.value]));
    const found = estimate(data, { ...Object.fromEntries(new FormData(form)), model });
    part("roofline").textContent = `${text(found.roofline)} tok/s`;
    part("from").textContent = `${text(found.gbPerS)} GB/s over ${text(found.bytes / 1e9)} GB a token`;
    part("basis").textContent = found.basis.words;
    part("likely").replaceChildren(...found.basis.ranges.map(({ provenance, rows, low, high }) => {
      const [least, most] = [low, high].map((one) => text(found.roofline * one.mbu_percent / 100));
      const span = least === most ? least : `${least} to ${most}`;
      return line(`${span} tok/s by ${rows} ${provenance} ${rows > 1 ? "rows" : "row"}: MBU `, end(low),
        ...(rows > 1 ? [" to ", end(high)] : []));
    }));
    const needed = (found.weights + found.cache) / 1e9;
    const fits = !found.memory ? "whether they fit is not known, as no memory is stated"
      : needed > found.memory ? `they do not fit in ${text(found.memory)} GB, so this device alone cannot run it`
      : `they fit in ${text(found.memory)} GB`;
    part("fits").textContent = `${text(found.weights / 1e9)} GB of weights and ${text(found.cache / 1e9)} GB of cache: ${fits}.`;
  };
  const keep = () => {
    const asked = new URLSearchParams(new FormData(form));
    if (fields.model.value !== "typed") sizes.forEach(({ name }) => asked.delete(name));
    if (location.protocol !== "file:") history.replaceState(null, "", `?${asked}`);
  };

  const fill = (model) => sizes.forEach((field) => (field[field.type === "checkbox" ? "checked" : "value"] = model[field.name]));
  const read = (words) => {
    const config = Object(JSON.parse(words));
    const partial = Object.keys(config).find((key) => config[key] && /expert|lora_rank/.test(key));
    if (partial) throw Error(`${partial}: a step of this model does not read all of its weights as this page counts them.`);
    config.num_key_value_heads ??= config.num_attention_heads;
    config.head_dim ??= config.hidden_size / config.num_attention_heads;
    config.attention_bias ??= config.model_type === "qwen2";
    for (const { name, type } of sizes)
      if (type === "number" && !(config[name] > 0)) throw Error(`${name} is missing, or no number above 0.`);
    fill(config);
    fields.model.value = "typed";
  };
  const open = (words) => {
    let wrong = "";
    try {
      read(words);
    } catch (error) {
      wrong = error instanceof SyntaxError ? "This is not JSON." : error.message;
    }
    part("config-wrong").textContent = wrong;
  };

  board.load("what-if").then((data) => {
    for (const [name, value] of new URLSearchParams(location.search))
      if (fields[name]) fields[name][fields[name].type === "checkbox" ? "checked" : "value"] = value;
    const chosen = () => data.models[fields.model.value] && fill(data.models[fields.model.value]);
    form.addEventListener("input", async ({ target }) => {
      if (target.name === "model") chosen();
      else if (sizes.includes(target)) fields.model.value = "typed";
      else if (!target.name) open(await (target.files ? target.files[0].text() : target.value));
      show(data);
      keep();
    });
    chosen();
    show(data);
    board.whatIf = (asked) => estimate(data, asked);
  });
})();
