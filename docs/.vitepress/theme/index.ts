/** The site's theme: VitePress's own, with a few rules for pictures, tables and printed output. */
import DefaultTheme from 'vitepress/theme';
import './site.css';

export default DefaultTheme;
