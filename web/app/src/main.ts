// Starts the app.
import '@digital-go-jp/design-tokens/dist/tokens.css';
import './styles/themes.css';
import './styles/base.css';
import './styles/print.css';
import { mount } from 'svelte';
import { router } from '$lib/router/router.svelte';
import { install } from '$lib/notify/install.svelte';
import { app } from '$lib/state/app.svelte';
import { layout } from '$lib/state/layout.svelte';
import { settings } from '$lib/state/settings.svelte';
import App from './App.svelte';

settings.apply();
layout.start();
router.start();
void install.start((path) => router.go(path));
void app.boot();
mount(App, { target: document.getElementById('app')! });
