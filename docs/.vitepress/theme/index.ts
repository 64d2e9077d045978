/** The site's theme: VitePress's own, with a few rules for wide pictures and printed output. */
import DefaultTheme from 'vitepress/theme-without-fonts';
import './site.css';

export default DefaultTheme;
