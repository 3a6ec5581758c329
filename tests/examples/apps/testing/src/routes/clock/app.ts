import { chromium } from 'playwright'

/** Where the app listens that is tested. */
export const port = 3000

export const launch = () => chromium.launch()
